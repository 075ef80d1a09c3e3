import {
  kernelKey,
  LABELS,
  type ManagedClusterModule,
  type ManagedClusterModuleStatus,
  type ManifestWork,
} from '@kmm-fleet/api';
import { type ItemState, itemStatus, pinsOf } from '@kmm-fleet/hub';
import type { KubeObject } from '@kmm-fleet/runtime';
import { type FleetItem, type FleetView, planItems } from '../hub/fleet-view.ts';
import { type NodeState, nodeStates, type SpokeView } from './node-states.ts';

/** One kernel of one cluster: its image and the nodes that run it. */
export interface KernelTree {
  readonly kernel: string;
  /** By digest; empty while none is pinned. */
  readonly image: string;
  /** `Pinned`, or the reason why the wanted image is not. */
  readonly state: string;
  readonly message: string;
  readonly nodes: readonly Omit<NodeState, 'kernel'>[];
}

export interface NodeCounts {
  readonly matching: number;
  readonly desired: number;
  readonly available: number;
}

export interface ClusterTree {
  readonly cluster: string;
  readonly state: ItemState['state'];
  readonly reason: string;
  readonly message: string;
  readonly kernels: readonly KernelTree[];
  /** As the cluster reports them through its work; absent before it has. */
  readonly reported: { readonly moduleLoader?: NodeCounts; readonly devicePlugin?: NodeCounts };
  /** Why its nodes are not listed one by one; absent when they are. */
  readonly notAsked?: string;
}

export interface ModuleTree {
  readonly module: string;
  readonly state: 'Ready' | 'NotReady' | 'Unknown' | 'Deleting';
  readonly reason: string;
  readonly message: string;
  readonly clusters: readonly ClusterTree[];
}

/** Why nodes of a fleet are not listed one by one. */
export const NOT_IN_A_LAB = 'its nodes are asked in a lab only';

/** What a cluster said, or why it was not asked. */
export type SpokeAnswer = SpokeView | { readonly notAsked: string };

/** Modules of the hub, and those that are gone but still on clusters, by name. Pure. */
export function moduleNames(mcms: readonly KubeObject[], fleet: FleetView): string[] {
  const held = [...fleet.works.values()].flatMap(
    ({ metadata }) => metadata.labels?.[LABELS.managedClusterModule] ?? [],
  );
  return [...new Set([...mcms.map(({ metadata }) => metadata.name), ...held])].sort();
}

/** Module → cluster → kernel → node, each with its reason. Pure. @param mcm undefined: it is gone */
export function moduleTree(
  name: string,
  mcm: KubeObject | undefined,
  fleet: FleetView,
  spokes: (cluster: string) => SpokeAnswer,
): ModuleTree {
  const clusters = planItems(name, mcm, fleet).flatMap((item) => {
    const state = itemStatus(item.plan, item.work);
    return state ? [clusterTree(item, state, mcm, spokes(item.cluster))] : [];
  });
  return { module: name, ...moduleState(mcm), clusters };
}

function moduleState(mcm: KubeObject | undefined): Pick<ModuleTree, 'state' | 'reason' | 'message'> {
  if (!mcm || mcm.metadata.deletionTimestamp) {
    const message = 'The module is deleted; clusters unload it.';
    return { state: 'Deleting', reason: 'Deleting', message };
  }
  const status = (mcm['status'] ?? {}) as ManagedClusterModuleStatus;
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  const { generation } = mcm.metadata;
  if (!ready || (generation !== undefined && (status.observedGeneration ?? 0) < generation)) {
    const message = 'The hub has not reported on the module as it is now. Check that KMM-Hub runs.';
    return { state: 'Unknown', reason: 'NotReported', message };
  }
  const isReady = ready.status === 'True';
  // With clusters below, their own lines tell why; a module that no cluster or no node has must tell itself.
  const isOnNodes = (status.clusters?.selected ?? 0) > 0 && ready.reason !== 'NoNodeSelected';
  const message = isOnNodes ? (status.summary ?? ready.message) : ready.message;
  return { state: isReady ? 'Ready' : 'NotReady', reason: isReady ? 'Ready' : ready.reason, message };
}

function clusterTree(
  { cluster, plan, work }: FleetItem,
  { state, reason, message }: ItemState,
  mcm: KubeObject | undefined,
  answer: SpokeAnswer,
): ClusterTree {
  const pins = pinsOf(work);
  const nodes = 'notAsked' in answer ? [] : nodesOf(mcm, work, new Set(pins.keys()), answer);
  const waits = new Map(plan.waits.map((wait) => [wait.kernel ? kernelKey(wait.kernel) : '', wait]));
  const names = new Set([
    ...pins.keys(),
    ...plan.wanted.map(({ spec }) => spec.kernelVersion),
    ...[...waits.keys()].filter((kernel) => kernel !== ''),
    ...nodes.map(({ kernel }) => kernel),
  ]);
  const isPlanned = plan.wanted.length > 0 || plan.waits.some((wait) => wait.kernel);
  const holdsAll = isPlanned ? undefined : waits.get('');
  const isWanted = (kernel: string) => plan.wanted.some(({ spec }) => spec.kernelVersion === kernel);
  const kernels = [...names].sort().map((kernel) => {
    const image = pins.get(kernel) ?? '';
    const wait = waits.get(kernel) ?? (image ? undefined : holdsAll);
    const own = nodes.filter((node) => node.kernel === kernel);
    return {
      kernel,
      image,
      // What holds the cluster as a whole is told once, beside its name.
      ...(wait
        ? { state: wait.reason, message: wait.kernel ? wait.message : '' }
        : settled(image, isWanted(kernel))),
      nodes: own.map(({ node, ...rest }) => ({
        node,
        ...(rest.state === 'NoPod' && NOT_ON_CLUSTER.has(reason)
          ? { state: reason, message: '' }
          : waiting(rest, wait?.reason)),
      })),
    };
  });
  return {
    cluster,
    state,
    reason: reason === 'Loaded' ? 'Ready' : reason,
    message,
    kernels,
    reported: reportedBy(work),
    ...('notAsked' in answer && { notAsked: answer.notAsked }),
  };
}

/** Without its work a cluster has no pod: what is said beside its name is the cause. */
const NOT_ON_CLUSTER: ReadonlySet<string> = new Set(['WorkNotApplied', 'WaitingForAgent']);

/** A node without an image waits for what its kernel waits for. */
function waiting({ state, message }: Omit<NodeState, 'node'>, reason: string | undefined) {
  if (state !== 'NoImage' || !reason) return { state, message };
  return {
    state: reason,
    message: reason === 'KernelNotMapped' ? 'No mapping serves this kernel.' : message,
  };
}

function settled(image: string, isWanted: boolean): Pick<KernelTree, 'state' | 'message'> {
  if (image) return { state: 'Pinned', message: '' };
  if (isWanted) return { state: 'WorkPending', message: 'Its image is ready; the work is being written.' };
  return { state: 'NotClaimed', message: 'The claim of the cluster does not name this kernel yet.' };
}

function nodesOf(
  mcm: KubeObject | undefined,
  work: ManifestWork | undefined,
  pinned: ReadonlySet<string>,
  view: SpokeView,
): NodeState[] {
  const manifest = work?.spec.workload?.manifests?.[0];
  const { moduleSpec, spokeNamespace } = (mcm?.['spec'] ?? {}) as Partial<ManagedClusterModule['spec']>;
  const spec = (manifest?.['spec'] ?? moduleSpec) as typeof moduleSpec;
  const name = manifest?.metadata.name ?? mcm?.metadata.name ?? '';
  const namespace = manifest?.metadata.namespace ?? spokeNamespace ?? '';
  return spec?.selector ? nodeStates({ name, namespace, spec }, pinned, view) : [];
}

function reportedBy(work: ManifestWork | undefined): ClusterTree['reported'] {
  const values = work?.status?.resourceStatus?.manifests?.[0]?.statusFeedback?.values ?? [];
  const numbers = new Map(values.map(({ name, fieldValue }) => [name, fieldValue.integer ?? 0]));
  // A cluster that reports leaves zeros out, so one number of a part makes the others zero.
  const part = (name: string): NodeCounts | undefined =>
    [...numbers.keys()].some((key) => key.startsWith(`${name}.`))
      ? {
          matching: numbers.get(`${name}.nodesMatchingSelectorNumber`) ?? 0,
          desired: numbers.get(`${name}.desiredNumber`) ?? 0,
          available: numbers.get(`${name}.availableNumber`) ?? 0,
        }
      : undefined;
  const [moduleLoader, devicePlugin] = [part('moduleLoader'), part('devicePlugin')];
  return { ...(moduleLoader && { moduleLoader }), ...(devicePlugin && { devicePlugin }) };
}
