import { asSentence, type Condition, describeFinding, type ModuleImage } from '@kmm-fleet/api';
import { type EventRecorder, FAILURES, type KubeObject, type Log, type Metrics } from '@kmm-fleet/runtime';
import type { ImageOutcome } from './image-status.ts';

/** Tells people what became of an image: one log line, one event, one count. */
export function reportImage(
  ports: { readonly log: Log; readonly events: EventRecorder; readonly metrics?: Metrics | undefined },
  image: ModuleImage,
  outcome: ImageOutcome,
): void {
  const { image: reference, kernelVersion: kernel } = image.spec;
  const fields = { image: reference, kernel };
  const regarding = image as unknown as KubeObject;
  if (outcome.kind === 'progress') {
    ports.log.info(`image.${outcome.state.toLowerCase()}`, fields);
    const { event: message } = outcome;
    if (message) ports.events.record(regarding, { type: 'Normal', reason: 'BuildStarted', message });
    if (outcome.state === 'Built') count(ports.metrics, 'Built', 'success');
  }
  if (outcome.kind === 'ready') {
    ports.log.info('image.ready', { ...fields, reason: outcome.reason });
    const message = [`${reference} is ready as ${outcome.digest}.`, outcome.message]
      .filter(Boolean)
      .join(' ');
    ports.events.record(regarding, { type: 'Normal', reason: outcome.reason, message });
    if (outcome.reason === 'Built' || outcome.reason === 'Signed')
      count(ports.metrics, outcome.reason, 'success');
  }
  if (outcome.kind === 'failed') {
    ports.log.error('image.failed', { ...fields, code: outcome.code, message: outcome.message });
    const { reason, nextStep: usual } = FAILURES[outcome.code];
    const { nextStep = usual } = outcome;
    const message = `${asSentence(outcome.message)} ${nextStep}`;
    ports.events.record(regarding, { type: 'Warning', reason, message });
    if (outcome.code.startsWith('BUILD_')) count(ports.metrics, 'Built', 'failure');
    if (outcome.code === 'SIGN_FAILED') count(ports.metrics, 'Signed', 'failure');
  }
  if (outcome.kind === 'refused') {
    const reason = outcome.findings[0]?.reason ?? 'Refused';
    const message = outcome.findings.map(describeFinding).join(' ');
    ports.log.error('image.refused', { ...fields, reason, message });
    ports.events.record(regarding, { type: 'Warning', reason, message });
  }
}

/** Tells people of a condition that they can still act on. */
export function warnOfImage(
  ports: { readonly log: Log; readonly events: EventRecorder },
  image: ModuleImage,
  { reason, message }: Condition,
): void {
  ports.log.error('image.warning', { image: image.spec.image, reason, message });
  ports.events.record(image as unknown as KubeObject, { type: 'Warning', reason, message });
}

function count(metrics: Metrics | undefined, step: string, outcome: string): void {
  metrics?.count('kmm_builds_total', { step, outcome });
}
