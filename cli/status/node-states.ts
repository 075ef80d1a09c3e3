import {
  asSentence,
  kernelKey,
  kubeletWords,
  LABELS,
  type ModuleSpec,
  matchesSelector,
  moreOfPod,
  ROLES,
} from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';

/** One node and why it has the module or not. */
export interface NodeState {
  readonly node: string;
  readonly kernel: string;
  /** `Ready`, or the reason why not. */
  readonly state: string;
  readonly message: string;
}

/** What a cluster itself says. */
export interface SpokeView {
  readonly nodes: readonly KubeObject[];
  /** Pods with the label of a module. */
  readonly pods: readonly KubeObject[];
}

/** What nodes and pods have in common. */
interface Conditioned {
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
}

interface PodStatus extends Conditioned {
  readonly initContainerStatuses?: readonly ContainerStatus[];
  readonly containerStatuses?: readonly ContainerStatus[];
}

interface ContainerStatus {
  readonly state?: Ended & { waiting?: { reason?: string; message?: string } };
  readonly lastState?: Ended;
}

interface Ended {
  readonly terminated?: { readonly reason?: string; readonly message?: string };
}

/** Nodes that a module selects, sorted. Pure. @param pinned kernels that have an image on this cluster */
export function nodeStates(
  module: { readonly name: string; readonly namespace: string; readonly spec: ModuleSpec },
  pinned: ReadonlySet<string>,
  { nodes, pods }: SpokeView,
): NodeState[] {
  const { name, namespace, spec } = module;
  const own = pods.filter(
    ({ metadata }) =>
      metadata.labels?.[LABELS.moduleName] === name &&
      metadata.namespace === namespace &&
      !metadata.deletionTimestamp &&
      (metadata.labels[LABELS.kernelVersion] !== undefined) === (spec.moduleLoader !== undefined),
  );
  return nodes
    .filter(({ metadata }) => matchesSelector(spec.selector, metadata.labels))
    .map((node) => {
      const kernel = kernelOf(node);
      const { name: nodeName } = node.metadata;
      const isServed = !spec.moduleLoader || pinned.has(kernel);
      const pod = own.find((one) => runsOn(one, nodeName, spec.moduleLoader && kernel));
      const role = spec.moduleLoader ? ROLES.loader : ROLES.devicePlugin;
      return { node: nodeName, kernel, ...(isServed ? nodeState(node, podState(pod, role)) : NOT_PINNED) };
    })
    .sort((a, b) => (a.node < b.node ? -1 : 1));
}

const NOT_PINNED = { state: 'NoImage', message: 'No image of this kernel is on the cluster yet.' };

/** Of such a node a cluster says that no pod is ready, whatever runs there. */
const NOT_READY = {
  state: 'NodeNotReady',
  message: 'The node does not answer or is not ready: nobody can tell whether it has the module.',
};

function nodeState({ status }: KubeObject, ofPod: Pick<NodeState, 'state' | 'message'>) {
  const ready = readiness(status as Conditioned | undefined);
  return ready !== undefined && ready !== 'True' && ofPod.state !== 'Ready' ? NOT_READY : ofPod;
}

const readiness = ({ conditions = [] }: Conditioned = {}) =>
  conditions.find(({ type }) => type === 'Ready')?.status;

function podState(pod: KubeObject | undefined, role: string): Pick<NodeState, 'state' | 'message'> {
  if (!pod) return { state: 'NoPod', message: `No ${role} pod is on the node. Check its taints.` };
  const status = pod['status'] as PodStatus | undefined;
  if (readiness(status) === 'True') {
    const message = role === ROLES.loader ? 'The module is loaded.' : 'The device plugin runs.';
    return { state: 'Ready', message };
  }
  const { initContainerStatuses = [], containerStatuses = [] } = status ?? {};
  const stuck = initContainerStatuses.find(({ state }) => !STARTING.has(state?.waiting?.reason ?? ''));
  const { state, lastState } = stuck ?? containerStatuses[0] ?? {};
  const words =
    state?.terminated?.message ??
    lastState?.terminated?.message ??
    kubeletWords(state?.waiting?.message ?? '');
  const reason = state?.waiting?.reason ?? state?.terminated?.reason ?? 'Starting';
  if (STARTING.has(reason)) return { state: reason, message: words.trim() };
  // A loader itself only sleeps: what its hook said is in events, and its log is empty.
  const more = moreOfPod(pod.metadata, role === ROLES.loader ? 'PostStartHookError' : reason);
  return { state: reason, message: `${asSentence(words)} More: ${more}`.trim() };
}

/** What a pod waits for that is on its way. */
const STARTING: ReadonlySet<string> = new Set(['', 'Starting', 'ContainerCreating', 'PodInitializing']);

function runsOn({ metadata, spec }: KubeObject, node: string, kernel: string | undefined): boolean {
  const isOnNode = (spec as { nodeName?: string } | undefined)?.nodeName === node;
  return isOnNode && (kernel === undefined || metadata.labels?.[LABELS.kernelVersion] === kernel);
}

function kernelOf(node: KubeObject): string {
  const status = node['status'] as { nodeInfo?: { kernelVersion?: string } } | undefined;
  return kernelKey(status?.nodeInfo?.kernelVersion ?? '');
}
