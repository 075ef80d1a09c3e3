import type { KubeObject } from '@kmm-fleet/runtime';
import {
  type DaemonPod,
  type DaemonSet,
  GENERATION_LABEL,
  isReady,
  isTerminating,
  nodeOf,
  REVISION_LABEL,
  templateHash,
} from './daemon-set.ts';
import { DAEMON_TOLERATIONS, matchesNode, type NodeView, type Placement, untolerated } from './scheduling.ts';

/** What a DaemonSet needs to become true. Names are sorted. */
export interface DaemonPlan {
  /** Pods to create, one per node. */
  readonly create: readonly KubeObject[];
  /** Names of pods to delete. */
  readonly remove: readonly string[];
}

/** Everything that planning may see. */
export interface DaemonInput {
  readonly set: DaemonSet;
  readonly nodes: readonly NodeView[];
  /** Pods that this DaemonSet owns. */
  readonly pods: readonly DaemonPod[];
}

/** Whether a daemon should be on a node, and whether one that is there may stay. */
export function placementOn(
  set: DaemonSet,
  node: NodeView,
): { readonly run: boolean; readonly stay: boolean } {
  const { spec } = set.spec.template;
  if (!matchesNode(spec, node)) return { run: false, stay: false };
  const tolerations = [...(spec.tolerations ?? []), ...DAEMON_TOLERATIONS];
  const stay = untolerated(node, tolerations, ['NoExecute']).length === 0;
  return { stay, run: stay && untolerated(node, tolerations, ['NoSchedule']).length === 0 };
}

/** Decides as Kubernetes' DaemonSet controller does, with RollingUpdate and without surge. Pure. */
export function planDaemonSet(input: DaemonInput): DaemonPlan {
  const { set, nodes, pods } = input;
  const byNode = groupByNode(pods);
  const create: KubeObject[] = [];
  const remove = new Set<string>();
  for (const node of nodes.toSorted(byName)) {
    const there = byNode.get(node.metadata.name) ?? [];
    const { run, stay } = placementOn(set, node);
    const living = there.filter((pod) => !isTerminating(pod));
    // A pod on its way out still holds the node: its successor comes when it is gone.
    if (run && there.length === 0) create.push(podFor(set, node.metadata.name));
    else if (!stay) for (const pod of living) remove.add(pod.metadata.name);
    else for (const pod of surplus(living)) remove.add(pod.metadata.name);
  }
  for (const name of replaced(input, byNode, remove)) remove.add(name);
  return { create, remove: [...remove].sort() };
}

/** Failed pods, and all but the oldest of several. */
function surplus(living: readonly DaemonPod[]): DaemonPod[] {
  const failed = living.filter(({ status }) => status?.phase === 'Failed');
  const running = living.filter((pod) => !failed.includes(pod)).toSorted(byAge);
  return [...failed, ...running.slice(1)];
}

/**
 * Old pods that may go now: those that serve nobody at once, of the others as many as may be missing. A node that
 * should have a ready pod and has none counts as missing.
 */
function replaced(
  { set, nodes }: DaemonInput,
  byNode: ReadonlyMap<string, readonly DaemonPod[]>,
  removed: ReadonlySet<string>,
): string[] {
  if (set.spec.updateStrategy?.type === 'OnDelete') return [];
  const hash = templateHash(set);
  const wanted = nodes.filter((node) => placementOn(set, node).run).toSorted(byName);
  const broken: string[] = [];
  const candidates: string[] = [];
  let missing = 0;
  for (const node of wanted) {
    const there = byNode.get(node.metadata.name) ?? [];
    const living = there.filter((pod) => !isTerminating(pod) && !removed.has(pod.metadata.name));
    const fresh = living.find(({ metadata }) => metadata.labels?.[REVISION_LABEL] === hash);
    const old = living.find(({ metadata }) => metadata.labels?.[REVISION_LABEL] !== hash);
    if (fresh || !old) missing += fresh && isReady(fresh) ? 0 : 1;
    else if (isReady(old)) candidates.push(old.metadata.name);
    else {
      broken.push(old.metadata.name);
      missing += 1;
    }
  }
  const allowed = Math.max(0, maxUnavailable(set, wanted.length) - missing);
  return [...broken, ...candidates.slice(0, allowed)];
}

/** A number, or a share of all nodes, rounded up; at least one, else nothing would ever be replaced. */
export function maxUnavailable(set: DaemonSet, nodes: number): number {
  const value = set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1;
  const count = typeof value === 'number' ? value : Math.ceil((Number.parseInt(value, 10) / 100) * nodes);
  return Math.max(1, count);
}

/** The pod of one node: pinned by its affinity, as Kubernetes does, so that the scheduler binds it there. */
function podFor(set: DaemonSet, node: string): KubeObject {
  const { name, namespace = '', uid = '', generation = 1 } = set.metadata;
  const { metadata = {}, spec } = set.spec.template;
  const owner = {
    apiVersion: set.apiVersion,
    kind: set.kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
  const labels = {
    ...metadata.labels,
    [REVISION_LABEL]: templateHash(set),
    [GENERATION_LABEL]: String(generation),
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      name: '',
      generateName: `${name}-`,
      namespace,
      labels,
      ownerReferences: [owner],
    },
    spec: {
      ...spec,
      affinity: pinned(spec, node),
      tolerations: [...(spec.tolerations ?? []), ...DAEMON_TOLERATIONS],
    },
  };
}

function pinned({ affinity }: Placement, node: string): object {
  const field = { key: 'metadata.name', operator: 'In', values: [node] };
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
    ?.nodeSelectorTerms ?? [{}];
  const nodeSelectorTerms = required.map((term) => ({ ...term, matchFields: [field] }));
  return {
    ...affinity,
    nodeAffinity: {
      ...affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
    },
  };
}

export function groupByNode(pods: readonly DaemonPod[]): Map<string, DaemonPod[]> {
  const groups = new Map<string, DaemonPod[]>();
  for (const pod of pods.toSorted(byAge)) {
    const node = nodeOf(pod) ?? '';
    groups.set(node, [...(groups.get(node) ?? []), pod]);
  }
  return groups;
}

const text = (a = '', b = '') => (a < b ? -1 : Number(a > b));
const byName = (a: KubeObject, b: KubeObject) => text(a.metadata.name, b.metadata.name);
const byAge = (a: KubeObject, b: KubeObject) =>
  text(a.metadata.creationTimestamp, b.metadata.creationTimestamp) || byName(a, b);
