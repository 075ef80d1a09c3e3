import {
  type Clock,
  CORE,
  createCache,
  createQueue,
  deepEqual,
  isAppError,
  type KubeClient,
  type Log,
  objectKey,
  type Random,
} from '@kmm-fleet/runtime';
import { type Running, startController } from '../running.ts';
import type { DaemonPod, DaemonSet } from './daemon-set.ts';
import { isTerminating } from './daemon-set.ts';
import { daemonSetStatus } from './daemon-set-status.ts';
import { createExpectations } from './expectations.ts';
import { planBinding, planOrphans } from './plan-binding.ts';
import { planDaemonSet } from './plan-daemon-set.ts';
import type { NodeView } from './scheduling.ts';

export interface ClusterPorts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const SCHEDULER = 'schedule';

/** The DaemonSet controller of one cluster, its scheduler, and the end of pods whose node is gone. */
export function startDaemonSets(ports: ClusterPorts): Running {
  const { client, clock, random, log } = ports;
  const sets = createCache<DaemonSet>({ ...ports, type: CORE.daemonSet });
  const nodes = createCache<NodeView>({ ...ports, type: CORE.node });
  const pods = createCache<DaemonPod>({
    ...ports,
    type: CORE.pod,
    indexes: { owner: (pod) => (pod.metadata.ownerReferences ?? []).map(({ uid }) => uid) },
  });
  const expectations = createExpectations(clock);

  const reconcile = async (key: string, signal: AbortSignal) => {
    const set = sets.get(key);
    if (!set) return undefined;
    const input = { set, nodes: [...nodes.all()], pods: pods.by('owner', set.metadata.uid ?? '') };
    if (!isTerminating(set) && expectations.met(key)) {
      const plan = planDaemonSet(input);
      for (const pod of plan.create) {
        const created = await client.create(CORE.pod, pod, signal);
        const podKey = objectKey(created.metadata);
        if (!pods.get(podKey)) expectations.expect(key, podKey);
      }
      for (const name of plan.remove) await removePod(key, set.metadata.namespace ?? '', name, signal);
    }
    const status = daemonSetStatus(input);
    if (deepEqual(status, set.status)) return undefined;
    await client.mergePatch(
      CORE.daemonSet,
      set.metadata,
      { status: cleared(set.status, status) },
      { subresource: 'status' },
      signal,
    );
    return undefined;
  };

  const removePod = async (key: string, namespace: string, name: string, signal: AbortSignal) => {
    const podKey = objectKey({ namespace, name });
    const before = pods.get(podKey);
    await client.delete(CORE.pod, { namespace, name }, { uid: before?.metadata.uid ?? '' }, signal);
    if (pods.get(podKey) === before) expectations.expect(key, podKey);
  };

  const schedule = async (_key: string, signal: AbortSignal) => {
    const all = [...pods.all()].toSorted((a, b) => (objectKey(a.metadata) < objectKey(b.metadata) ? -1 : 1));
    const known = [...nodes.all()];
    const load = new Map<string, number>();
    for (const { spec } of all)
      if (spec.nodeName) load.set(spec.nodeName, (load.get(spec.nodeName) ?? 0) + 1);
    for (const pod of all) {
      const nodeName = planBinding(pod, known, load);
      if (nodeName === undefined) continue;
      load.set(nodeName, (load.get(nodeName) ?? 0) + 1);
      await client.mergePatch(CORE.pod, pod.metadata, { spec: { nodeName } }, {}, signal).catch(ignoreGone);
    }
    for (const { metadata } of planOrphans(all, known)) {
      if (metadata.deletionGracePeriodSeconds === 0) continue;
      await client.delete(CORE.pod, metadata, { gracePeriodSeconds: 0, uid: metadata.uid ?? '' }, signal);
    }
    return undefined;
  };

  const setQueue = createQueue({ name: 'daemonsets', reconcile, clock, random, log });
  const scheduleQueue = createQueue({ name: 'scheduler', reconcile: schedule, clock, random, log });
  const ownersOf = (pod: DaemonPod | undefined) =>
    (pod?.metadata.ownerReferences ?? [])
      .filter(({ kind }) => kind === 'DaemonSet')
      .map(({ name }) => objectKey({ namespace: pod?.metadata.namespace ?? '', name }));
  sets.onChange(({ key }) => setQueue.add(key));
  nodes.onChange(({ before, after }) => {
    if (before && after && deepEqual(placementFacts(before), placementFacts(after))) return;
    for (const set of sets.all()) setQueue.add(objectKey(set.metadata));
    scheduleQueue.add(SCHEDULER);
  });
  pods.onChange(({ key, before, after }) => {
    expectations.observed(key);
    for (const owner of new Set([...ownersOf(before), ...ownersOf(after)])) setQueue.add(owner);
    const node = after?.spec.nodeName;
    if (after && !(node && nodes.get(node))) scheduleQueue.add(SCHEDULER);
  });
  return startController([sets, nodes, pods], [setQueue, scheduleQueue]);
}

/** What of a node can move a daemon: its heartbeat cannot. */
const placementFacts = ({ metadata, spec }: NodeView) => ({ labels: metadata.labels, taints: spec?.taints });

/** A merge patch: numbers that are no longer there are taken away. */
function cleared(before: object | undefined, after: object): object {
  const gone = Object.keys(before ?? {}).filter((name) => !(name in after));
  return { ...Object.fromEntries(gone.map((name) => [name, null])), ...after };
}

function ignoreGone(error: unknown): undefined {
  if (isAppError(error) && error.code === 'NOT_FOUND') return undefined;
  throw error;
}
