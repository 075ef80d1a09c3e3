import {
  type Clock,
  CORE,
  createCache,
  createEvents,
  createQueue,
  deepEqual,
  isAppError,
  type KubeClient,
  type Log,
  type Queue,
  type Random,
  type WatchedCache,
} from '@kmm-fleet/runtime';
import type { Pod } from './pod.ts';
import { podStatus, time } from './pod-status.ts';
import { createPodWorker, type PodWorker, type WorkerPorts } from './pod-worker.ts';

export interface KubeletPorts extends Omit<WorkerPorts, 'events'> {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Runs the pods that are bound to one node. */
export interface Kubelet {
  readonly cache: WatchedCache<Pod>;
  readonly queue: Queue;
  /** The machine went down and came up: every container starts again. */
  reboot(): void;
}

interface Entry {
  readonly worker: PodWorker;
  pod: Pod;
  /** What was written last: the watch may not have brought it back yet. */
  reported: object | undefined;
  isFinished: boolean;
}

/** Pulls and hooks of several pods go on side by side. */
const PODS_AT_ONCE = 8;

export function createKubelet(node: string, ports: KubeletPorts): Kubelet {
  const { client, clock, random, log } = ports;
  const events = createEvents({ client, clock, component: 'kubelet', log });
  const entries = new Map<string, Entry>();
  const cache = createCache<Pod>({
    client,
    type: CORE.pod,
    fieldSelector: `spec.nodeName=${node}`,
    clock,
    random,
    log,
  });

  const reconcile = async (key: string, signal: AbortSignal) => {
    const pod = cache.get(key);
    await dropReplaced(key, pod, signal);
    if (!pod || (isOver(pod) && !pod.metadata.deletionTimestamp)) return undefined;
    if (pod.metadata.deletionTimestamp) {
      await finish(key, pod, signal);
      return undefined;
    }
    const entry = entries.get(key) ?? admit(key, pod);
    if (!entry.reported) await report(entry, pod, signal);
    const waitMs = await entry.worker.advance(pod, signal);
    await report(entry, pod, signal);
    return waitMs === undefined ? undefined : { requeueAfterMs: waitMs };
  };

  const admit = (key: string, pod: Pod): Entry => {
    const worker = createPodWorker(pod, { ...ports, events });
    const entry: Entry = { worker, pod, reported: undefined, isFinished: false };
    entries.set(key, entry);
    return entry;
  };

  /** A pod that was removed by force is stopped all the same: its hooks unload what it loaded. */
  const dropReplaced = async (key: string, pod: Pod | undefined, signal: AbortSignal) => {
    const entry = entries.get(key);
    if (!entry || entry.worker.uid === pod?.metadata.uid) return;
    if (!entry.isFinished) await entry.worker.terminate(entry.pod, signal);
    entries.delete(key);
  };

  const finish = async (key: string, pod: Pod, signal: AbortSignal) => {
    const entry = entries.get(key);
    if (entry && !entry.isFinished) {
      await entry.worker.terminate(pod, signal);
      entry.isFinished = true;
      await report(entry, pod, signal);
    }
    // With grace 0 the object goes as soon as its finalizers do; that is for others to decide.
    if (pod.metadata.deletionGracePeriodSeconds === 0) return;
    const { uid = '' } = pod.metadata;
    await client.delete(CORE.pod, pod.metadata, { gracePeriodSeconds: 0, uid }, signal).catch(ignoreGone);
  };

  const report = async (entry: Entry, pod: Pod, signal: AbortSignal) => {
    entry.pod = pod;
    const before = entry.reported ?? pod.status;
    const known = { ...pod, ...(before && { status: before }) };
    const status = podStatus(known, entry.worker.records, time(clock.now()));
    if (deepEqual(status, before)) return;
    const { uid } = pod.metadata;
    await client
      .mergePatch(CORE.pod, pod.metadata, { metadata: { uid }, status }, { subresource: 'status' }, signal)
      .catch(ignoreGone);
    entry.reported = status;
  };

  const queue = createQueue({
    name: `kubelet-${node}`,
    reconcile,
    concurrency: PODS_AT_ONCE,
    clock,
    random,
    log,
  });
  cache.onChange(({ key }) => queue.add(key));

  return {
    cache,
    queue,
    reboot() {
      for (const [key, entry] of entries) {
        if (entry.isFinished) continue;
        events.record(entry.pod, {
          type: 'Normal',
          reason: 'SandboxChanged',
          message: 'Pod sandbox changed, it will be killed and re-created.',
        });
        entry.worker.crash();
        queue.add(key);
      }
    },
  };
}

const isOver = ({ status }: Pod) => status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** The pod went while it was written about: the watch will say so. */
function ignoreGone(error: unknown): undefined {
  if (isAppError(error) && (error.code === 'NOT_FOUND' || error.code === 'CONFLICT')) return undefined;
  throw error;
}
