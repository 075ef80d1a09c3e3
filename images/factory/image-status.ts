import {
  asSentence,
  describeFinding,
  type Finding,
  type ImageState,
  type ModuleImageStatus,
} from '@kmm-fleet/api';
import { deepEqual, FAILURES, type FailureCode, timestamp } from '@kmm-fleet/runtime';
import { type Failure, failedAgain, isSpent } from './attempt.ts';

/** What one pass over an image came to. */
export type ImageOutcome =
  | {
      readonly kind: 'progress';
      readonly state: 'Wanted' | 'Building' | 'Built' | 'Signing';
      readonly message: string;
      /** Of the build, once it has ended. */
      readonly log?: string | undefined;
      /** What is told when a build begins. */
      readonly event?: string | undefined;
    }
  | {
      readonly kind: 'ready';
      readonly digest: string;
      readonly inputsHash: string;
      readonly reason: string;
      readonly message?: string | undefined;
      readonly log?: string;
    }
  | { readonly kind: 'refused'; readonly state: 'Failed' | 'Conflict'; readonly findings: readonly Finding[] }
  | ({
      readonly kind: 'failed';
      readonly message: string;
      readonly log: string;
      /** Where more is known than of any failure of this code. */
      readonly nextStep?: string | undefined;
      /** Shows all of the log. */
      readonly logCommand?: string | undefined;
    } & Failure);

const MESSAGE_CHARS_MAX = 1_024;
const MISSING: ReadonlySet<FailureCode> = new Set(['IMAGE_NOT_FOUND', 'IMAGE_AWAITED', 'IMAGE_VANISHED']);

/**
 * The next status of an image; `previous` itself when nothing changed. The digest of the last good image stays while
 * a new one is made or fails: clusters that run it keep it.
 *
 * @param jitter a number in [0, 1)
 */
export function imageStatus(
  previous: ModuleImageStatus,
  outcome: ImageOutcome,
  generation: number | undefined,
  nowMs: number,
  jitter: number,
): ModuleImageStatus {
  const next = withoutUndefined({
    ...previous,
    ...changed(previous, outcome, nowMs, jitter),
    startTime: startTime(previous, outcome, nowMs),
    observedGeneration: generation,
  });
  const moved = next.state !== previous.state;
  const stamped = moved ? { ...next, lastTransitionTime: new Date(nowMs).toISOString() } : next;
  return deepEqual(stamped, previous) ? previous : stamped;
}

/** True when two statuses differ in something that people are to be told, not just in the generation looked at. */
export function isNews(before: ModuleImageStatus, after: ModuleImageStatus): boolean {
  return !deepEqual({ ...before, observedGeneration: 0 }, { ...after, observedGeneration: 0 });
}

function changed(
  previous: ModuleImageStatus,
  outcome: ImageOutcome,
  nowMs: number,
  jitter: number,
): Partial<Record<keyof ModuleImageStatus, unknown>> & { state: ImageState } {
  switch (outcome.kind) {
    case 'progress': {
      const { state, message, log } = outcome;
      return { state, reason: state, message, log: log || undefined };
    }
    case 'ready': {
      const { digest, inputsHash, reason, message, log } = outcome;
      return { state: 'Ready', digest, inputsHash, reason, message, attempt: undefined, log };
    }
    case 'refused': {
      const [first] = outcome.findings;
      const message = outcome.findings.map(describeFinding).join(' ').slice(0, MESSAGE_CHARS_MAX);
      return { state: outcome.state, reason: first?.reason, message, attempt: undefined, log: undefined };
    }
    case 'failed': {
      const { code, log } = outcome;
      const attempt = failedAgain(previous.attempt, outcome, nowMs, jitter);
      return {
        state: MISSING.has(code) ? 'Missing' : 'Failed',
        reason: FAILURES[code].reason,
        message: failureText(outcome, isSpent(attempt, outcome.inputsHash) ? attempt.defects : undefined),
        log: log || undefined,
        attempt,
      };
    }
  }
}

/** A build begins anew with each call of its builder; signing what was just built goes on with the same work. */
function startTime(
  { state, startTime: known }: ModuleImageStatus,
  outcome: ImageOutcome,
  nowMs: number,
): string | undefined {
  if (outcome.kind !== 'progress' || outcome.state === 'Wanted') return undefined;
  const goesOn = outcome.state === 'Built' || (outcome.state === 'Signing' && state === 'Built');
  return (goesOn && known) || timestamp(nowMs);
}

function failureText(
  { code, message, nextStep, logCommand }: Extract<ImageOutcome, { kind: 'failed' }>,
  defects: number | undefined,
): string {
  const ends = [
    nextStep ?? FAILURES[code].nextStep,
    logCommand && `All of the log: ${logCommand}`,
    defects &&
      `After ${defects} failures on the same inputs it is tried again only when one of them changes, a base image too.`,
  ];
  const end = ends.filter(Boolean).join(' ');
  // What the build said may be long; what to do must not be cut off.
  return `${asSentence(message.slice(0, MESSAGE_CHARS_MAX - end.length - 2))} ${end}`.slice(
    0,
    MESSAGE_CHARS_MAX,
  );
}

function withoutUndefined(status: Record<string, unknown>): ModuleImageStatus {
  return Object.fromEntries(Object.entries(status).filter(([, value]) => value !== undefined));
}
