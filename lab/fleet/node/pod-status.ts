import type { ContainerRecord, ContainerState, Terminated } from './container-record.ts';
import type { Pod, PodCondition } from './pod.ts';

/**
 * The status of a pod as a kubelet reports it.
 *
 * @param now RFC 3339; conditions keep the time of their last change
 */
export function podStatus(pod: Pod, records: readonly ContainerRecord[], now: string): object {
  const main = records.filter(({ isInit }) => !isInit);
  const init = records.filter(({ isInit }) => isInit);
  const unready = main.filter(({ state }) => state.state !== 'running').map(({ spec }) => spec.name);
  const isInitialized = init.every(hasSucceeded);
  const notReady = {
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${unready.join(' ')}]`,
  };
  const ready = unready.length === 0 && isInitialized;
  const condition = (type: string, isTrue: boolean, why: object = {}) => stamped(pod, type, isTrue, why, now);
  return {
    phase: phaseOf(main, init),
    hostIP: '10.0.2.15',
    hostIPs: [{ ip: '10.0.2.15' }],
    podIP: '10.0.2.15',
    podIPs: [{ ip: '10.0.2.15' }],
    // Said when the pod was made, and for good: an API server refuses a status that says otherwise.
    qosClass: pod.status?.qosClass,
    startTime: pod.status?.startTime ?? now,
    conditions: [
      condition('PodReadyToStartContainers', true),
      condition('Initialized', isInitialized, isInitialized ? {} : { reason: 'ContainersNotInitialized' }),
      condition('Ready', ready, ready ? {} : notReady),
      condition('ContainersReady', ready, ready ? {} : notReady),
      condition('PodScheduled', true),
    ],
    ...(init.length > 0 && { initContainerStatuses: init.map(containerStatus) }),
    containerStatuses: main.map(containerStatus),
  };
}

function stamped(pod: Pod, type: string, isTrue: boolean, why: object, now: string): PodCondition {
  const status = isTrue ? 'True' : 'False';
  const before = pod.status?.conditions?.find((condition) => condition.type === type);
  const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? now) : now;
  return { type, status, ...why, lastTransitionTime };
}

function phaseOf(main: readonly ContainerRecord[], init: readonly ContainerRecord[]): string {
  const ended = main.every(({ state, next }) => state.state === 'terminated' && next === undefined);
  if (ended && main.length > 0) {
    return main.every(hasSucceeded) ? 'Succeeded' : 'Failed';
  }
  return init.every(hasSucceeded) && main.every(({ hasRun }) => hasRun) ? 'Running' : 'Pending';
}

function hasSucceeded({ state }: ContainerRecord): boolean {
  return state.state === 'terminated' && state.exitCode === 0;
}

function containerStatus(record: ContainerRecord): object {
  const { spec, state, last, restartCount, image, isInit } = record;
  const ready = isInit ? hasSucceeded(record) : state.state === 'running';
  return {
    name: spec.name,
    image: spec.image ?? '',
    imageID: image ? `${repositoryOf(spec.image ?? '')}@${image.digest}` : '',
    ready,
    started: state.state === 'running',
    restartCount,
    state: stateView(state),
    lastState: last ? { terminated: terminatedView(last) } : {},
  };
}

/** The reference without tag and digest; a port before the last slash stays. */
const repositoryOf = (image: string) => image.replace(/@.*$/, '').replace(/:[^:/]*$/, '');

function stateView(state: ContainerState): object {
  if (state.state === 'running') return { running: { startedAt: time(state.startedAtMs) } };
  if (state.state === 'terminated') return { terminated: terminatedView(state) };
  return {
    waiting: { reason: state.reason, ...(state.message !== undefined && { message: state.message }) },
  };
}

function terminatedView({ exitCode, reason, message, startedAtMs, finishedAtMs }: Terminated): object {
  return {
    exitCode,
    reason,
    ...(message !== undefined && message !== '' && { message }),
    startedAt: time(startedAtMs),
    finishedAt: time(finishedAtMs),
  };
}

/** RFC 3339 in whole seconds, as Kubernetes writes times. */
export function time(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z');
}
