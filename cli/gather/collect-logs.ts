import type { KubeObject } from '@kmm-fleet/runtime';
import { messageOf } from '../output/user-error.ts';
import { isDiskFailure } from './background.ts';
import { addBytes, type Collection, type CollectPorts } from './collection.ts';
import { logPath, operatorLogPath } from './plan-paths.ts';
import { readLog } from './read-log.ts';
import { redactText } from './redact/redact-text.ts';
import { containerStatuses, isHealthy } from './summary/examine-pod.ts';

/** Enough for days of an operator: it writes a line only when something changes. */
const CURRENT = { linesMax: 50_000, bytesMax: 16 * 1024 * 1024 };
const PREVIOUS = { linesMax: 5_000, bytesMax: 2 * 1024 * 1024 };
const LOG_MS = 60_000;
/** Loaders sleep and say nothing: some healthy ones stand for all of a large cluster. */
const HEALTHY_LOGS_MAX = 100;
const LOGS_MAX = 1_000;

/** Logs of the containers of these pods, and of those before them. */
export async function collectLogs(
  pods: readonly KubeObject[],
  into: Collection,
  ports: CollectPorts,
): Promise<void> {
  const wanted = pods.filter((pod) => into.logs < (isHealthy(pod) ? HEALTHY_LOGS_MAX : LOGS_MAX));
  const tasks = wanted.flatMap((pod) =>
    containersOf(pod).flatMap(({ name, hasPrevious }) => [
      () => collectLog({ pod, container: name, path: logPath(pod, name, false) }, into, ports),
      ...(hasPrevious
        ? [
            () =>
              collectLog(
                { pod, container: name, path: logPath(pod, name, true), previous: true },
                into,
                ports,
              ),
          ]
        : []),
    ]),
  );
  await Promise.all(
    [...tasks, ...operatorLog(wanted, into, ports)].map((task) => into.logsLimiter.run(task)),
  );
}

/** The operator's log once more at the top: of its first pod that runs, as upstream asks its Deployment. */
function operatorLog(pods: readonly KubeObject[], into: Collection, ports: CollectPorts) {
  const pod = pods.find((candidate) => isOfOperator(candidate, into));
  const [container] = pod ? containersOf(pod) : [];
  if (!pod || !container || into.operatorLogs++ > 0) return [];
  const path = operatorLogPath(into.deployment);
  return [() => collectLog({ pod, container: container.name, path }, into, ports)];
}

/** Pods of a Deployment are called after it. */
export function isOfOperator(
  { kind, metadata }: KubeObject,
  { operatorNamespace, deployment }: Collection,
): boolean {
  const isThere = kind === 'Pod' && metadata.namespace === operatorNamespace;
  return isThere && metadata.name.startsWith(`${deployment}-`);
}

interface WantedLog {
  readonly pod: KubeObject;
  readonly container: string;
  readonly path: string;
  readonly previous?: boolean;
}

/** A container that has not started has no log, and asking for it is an error. */
function containersOf(pod: KubeObject): { name: string; hasPrevious: boolean }[] {
  return containerStatuses(pod)
    .filter(({ state, restartCount = 0 }) => !state?.waiting || restartCount > 0)
    .map(({ name, restartCount = 0 }) => ({ name, hasPrevious: restartCount > 0 }));
}

async function collectLog(
  { pod, container, path, previous = false }: WantedLog,
  into: Collection,
  { transport, save, signal }: CollectPorts,
): Promise<void> {
  const limits = {
    ...(previous ? PREVIOUS : CURRENT),
    signal: AbortSignal.any([signal, AbortSignal.timeout(LOG_MS)]),
  };
  try {
    const lines = readLog(transport, pod, container, previous, limits, into.secrets.mask);
    // Nothing is written for a log that does not begin.
    const first = await lines.next();
    addBytes(into, await save(path, from(first, lines)));
    into.logs += 1;
  } catch (error) {
    if (isDiskFailure(error)) throw error;
    const why = redactText(messageOf(error), into.secrets.mask);
    const what = 'logs of pods';
    // One line for all: a cluster whose logs cannot be read has many pods.
    if (!into.unreadable.some((known) => known.what === what))
      into.unreadable.push({ what, why: `${pod.metadata.name}: ${why}` });
  }
}

async function* from(first: IteratorResult<string>, rest: AsyncIterable<string>): AsyncGenerator<string> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}
