import { LABELS, matchesSelector, ROLES } from '@kmm-fleet/api';
import { CORE, canonicalJson, type KubeObject, objectKey } from '@kmm-fleet/runtime';
import { mayStart } from '../modules/tolerations.ts';
import type { Taint } from '../views.ts';
import type { MemoryCluster } from './memory-cluster.ts';

interface DaemonSetSpec {
  readonly template: {
    readonly metadata: KubeObject['metadata'];
    readonly spec: {
      readonly nodeSelector?: Record<string, string>;
      readonly tolerations?: [];
      readonly containers: readonly { readonly image: string }[];
    };
  };
}

export interface MemoryNodes {
  /** Lets the DaemonSet controller and the kubelets do what is to be done now. True when they did something. */
  step(): boolean;
  /** `load <node> <image>` and `unload <node> <image>`, in order. */
  readonly trace: string[];
  /** Images whose hook fails, and with which words. */
  readonly broken: Map<string, string>;
  /** Nodes that are cut off: what runs there goes on, and the cluster hears nothing of it. */
  readonly silent: Set<string>;
  /** Images whose module does not leave, and with which words. */
  readonly inUse: Map<string, string>;
  /** Images whose hook outlasts the grace period when it unloads. */
  readonly hanging: Set<string>;
}

export const node = (name: string, kernel: string, labels: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels },
  spec: {},
  status: { nodeInfo: { kernelVersion: kernel } },
});

/** DaemonSet controller and kubelets in one: pods come, run their hook in name only, and leave. */
export function createMemoryNodes(cluster: MemoryCluster): MemoryNodes {
  const trace: string[] = [];
  const broken = new Map<string, string>();
  const inUse = new Map<string, string>();
  const silent = new Set<string>();
  const hanging = new Set<string>();
  /** Pods that went while nobody heard of their node. */
  const late = new Set<string>();
  const imageOf = (pod: KubeObject) =>
    (pod['spec'] as { containers: { image: string }[] }).containers[0]?.image ?? '';
  const nodeOf = (pod: KubeObject) => (pod['spec'] as { nodeName: string }).nodeName;
  const isLoader = ({ metadata }: KubeObject) => LABELS.kernelVersion in (metadata.labels ?? {});
  const says = (pod: KubeObject, text: string) => JSON.stringify(pod['status'] ?? {}).includes(text);
  const isReady = (pod: KubeObject) => says(pod, '"Ready","status":"True"');
  const isUp = (pod: KubeObject) => says(pod, '"ready":true');
  const isLate = (pod: KubeObject) => hanging.has(imageOf(pod)) || late.has(objectKey(pod.metadata));

  const run = (pod: KubeObject): boolean => {
    const image = imageOf(pod);
    const words = broken.get(image);
    if (isReady(pod) || (words && says(pod, words))) return false;
    if (words) {
      const state = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } };
      const lastState = { terminated: { reason: 'Completed', exitCode: 0, message: words } };
      pod['status'] = { containerStatuses: [{ ready: false, state, lastState }] };
    } else {
      const containerStatuses = [{ ready: true, state: { running: {} } }];
      pod['status'] = { conditions: [{ type: 'Ready', status: 'True' }], containerStatuses };
      if (isLoader(pod)) trace.push(`load ${nodeOf(pod)} ${image}`);
    }
    cluster.put(CORE.pod, pod);
    return true;
  };

  /** preStop runs once; the object goes when its finalizers have gone. */
  const stop = (pod: KubeObject): boolean => {
    if (isReady(pod)) {
      if (isLoader(pod)) trace.push(`unload ${nodeOf(pod)} ${imageOf(pod)}`);
      const finishedAt = isLate(pod) ? '2026-01-01T00:00:00Z' : '2025-12-31T23:59:31Z';
      const terminated = { exitCode: 0, message: inUse.get(imageOf(pod)) ?? '', finishedAt };
      const containerStatuses = [{ ready: false, state: { terminated } }];
      cluster.put(CORE.pod, { ...pod, status: { containerStatuses } });
      return true;
    }
    if (pod.metadata.finalizers?.length) return false;
    cluster.remove(CORE.pod, objectKey(pod.metadata));
    return true;
  };

  const leave = (pod: KubeObject): boolean => {
    if (pod.metadata.deletionTimestamp) return false;
    const deletionTimestamp = '2026-01-01T00:00:00Z';
    const metadata = { ...pod.metadata, deletionTimestamp, deletionGracePeriodSeconds: 30 };
    if (silent.has(nodeOf(pod))) late.add(objectKey(pod.metadata));
    cluster.put(CORE.pod, { ...pod, metadata });
    return true;
  };

  const serve = (set: KubeObject): boolean => {
    const { template } = set['spec'] as DaemonSetSpec;
    const hash = canonicalJson(template);
    /** A pod that runs stays on a node where none would start. */
    const nodesFor = (isRunning: boolean) =>
      cluster
        .all(CORE.node)
        .filter(({ metadata, spec }) => {
          const taints = ((spec as { taints?: Taint[] }).taints ?? []).filter(
            ({ effect }) => !isRunning || effect === 'NoExecute',
          );
          const isSelected = matchesSelector(template.spec.nodeSelector ?? {}, metadata.labels ?? {});
          return isSelected && mayStart(template.spec.tolerations ?? [], taints);
        })
        .map(({ metadata }) => metadata.name);
    const wanted = nodesFor(false);
    const kept = nodesFor(true);
    const own = cluster
      .all(CORE.pod)
      .filter((pod) => pod.metadata.ownerReferences?.[0]?.uid === set.metadata.uid);
    const isStale = (pod: KubeObject) => pod['hash'] !== hash;
    const left = own.filter((pod) => !kept.includes(nodeOf(pod)) || isStale(pod)).map(leave);
    const missing = wanted.filter((name) => !own.some((pod) => nodeOf(pod) === name));
    for (const name of missing) cluster.put(CORE.pod, podOf(set, template, name, hash));
    const live = own.filter((pod) => wanted.includes(nodeOf(pod)));
    const before = cluster.get(CORE.daemonSet, objectKey(set.metadata));
    if (before)
      cluster.put(CORE.daemonSet, {
        ...before,
        status: {
          observedGeneration: before.metadata.generation ?? 1,
          desiredNumberScheduled: wanted.length,
          updatedNumberScheduled: live.filter((pod) => !isStale(pod)).length,
          numberAvailable: live.filter((pod) => isReady(pod) && !pod.metadata.deletionTimestamp).length,
        },
      });
    const after = cluster.get(CORE.daemonSet, objectKey(set.metadata));
    const isTold = canonicalJson(before?.['status'] ?? {}) !== canonicalJson(after?.['status'] ?? {});
    return left.some(Boolean) || missing.length > 0 || isTold;
  };

  const collect = (pod: KubeObject): boolean => {
    const owners = cluster.all(CORE.daemonSet).map(({ metadata }) => metadata.uid);
    return owners.includes(pod.metadata.ownerReferences?.[0]?.uid) ? false : leave(pod);
  };

  /** Of a node that is not heard of the controller manager says that no pod is ready; the kubelet says what it knows. */
  const tell = (pod: KubeObject, status: 'True' | 'False'): boolean => {
    const conditions = [{ type: 'Ready', status }];
    cluster.put(CORE.pod, { ...pod, status: { ...(pod['status'] as object), conditions } });
    return true;
  };

  const keep = (pod: KubeObject) => {
    if (silent.has(nodeOf(pod))) return isReady(pod) && tell(pod, 'False');
    if (isUp(pod) && !isReady(pod)) return tell(pod, 'True');
    return pod.metadata.deletionTimestamp ? stop(pod) : run(pod);
  };
  return {
    trace,
    broken,
    inUse,
    silent,
    hanging,
    step() {
      const served = cluster.all(CORE.daemonSet).map(serve);
      const collected = cluster.all(CORE.pod).map(collect);
      const kept = cluster.all(CORE.pod).map(keep);
      return [...served, ...collected, ...kept].some(Boolean);
    },
  };
}

function podOf(
  set: KubeObject,
  template: DaemonSetSpec['template'],
  nodeName: string,
  hash: string,
): KubeObject {
  const { namespace = '', name, uid = '' } = set.metadata;
  const role = template.metadata.labels?.[LABELS.role] ?? ROLES.loader;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...template.metadata,
      namespace,
      name: `${name}-${nodeName}-${role}`,
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name, uid, controller: true }],
    },
    spec: { ...template.spec, nodeName },
    hash,
  };
}
