import {
  type Checked,
  checkModule,
  kernelKey,
  LABELS,
  type Module,
  ROLES,
  type Toleration,
} from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';

/** What a spoke keeps of a node: heartbeats change nothing of it. */
export interface NodeView {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string | undefined };
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** As the node reports it, with a trailing '+' if there is one. */
  readonly release: string;
  /** Without it: what mappings and labels speak of. */
  readonly kernel: string;
}

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

export function nodeView(object: KubeObject): NodeView {
  const spec = (object['spec'] ?? {}) as { taints?: Taint[]; unschedulable?: boolean };
  const status = object['status'] as { nodeInfo?: { kernelVersion?: string } } | undefined;
  const release = status?.nodeInfo?.kernelVersion ?? '';
  const { name, uid = '', resourceVersion, labels = {} } = object.metadata;
  return {
    metadata: { name, ...(resourceVersion && { resourceVersion }) },
    uid,
    labels,
    taints: spec.taints ?? [],
    release,
    kernel: kernelKey(release),
  };
}

/** What a spoke keeps of a pod of ours. */
export interface PodView {
  readonly metadata: KubeObject['metadata'];
  readonly module: string;
  readonly role: (typeof ROLES)[keyof typeof ROLES];
  readonly kernel: string | undefined;
  /** '' before it is bound. */
  readonly node: string;
  readonly isReady: boolean;
  readonly isDeleting: boolean;
  /** Why its container does not run, in the words of the kubelet and of what ran. */
  readonly problem: { readonly reason: string; readonly message: string } | undefined;
}

interface ContainerStatus {
  readonly state?: { readonly waiting?: { reason?: string; message?: string } };
  readonly lastState?: { readonly terminated?: { reason?: string; message?: string } };
}

interface PodStatus {
  readonly conditions?: readonly { type: string; status: string }[];
  readonly containerStatuses?: readonly ContainerStatus[];
}

export function podView(object: KubeObject): PodView {
  const { managedFields: _, ...metadata } = object.metadata;
  const labels = metadata.labels ?? {};
  const status = object['status'] as PodStatus | undefined;
  const kernel = labels[LABELS.kernelVersion];
  // Pods of upstream's OpenShift edition carry no role; only loaders carry a kernel.
  const isLoader = labels[LABELS.role] === ROLES.loader || (!labels[LABELS.role] && kernel !== undefined);
  return {
    metadata,
    module: labels[LABELS.moduleName] ?? '',
    role: isLoader ? ROLES.loader : ROLES.devicePlugin,
    kernel,
    node: (object['spec'] as { nodeName?: string } | undefined)?.nodeName ?? '',
    isReady:
      status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false,
    isDeleting: metadata.deletionTimestamp !== undefined,
    problem: problemOf(status),
  };
}

function problemOf(status: PodStatus | undefined): PodView['problem'] {
  const container = status?.containerStatuses?.find(({ state }) => state?.waiting);
  const waiting = container?.state?.waiting;
  if (!waiting || waiting.reason === 'ContainerCreating' || waiting.reason === 'PodInitializing')
    return undefined;
  const words = container.lastState?.terminated?.message?.trim() || waiting.message || '';
  return { reason: waiting.reason ?? 'Waiting', message: words.slice(0, 500) };
}

/** A Module with the verdict on it. */
export interface ModuleView {
  readonly metadata: KubeObject['metadata'];
  readonly object: KubeObject;
  readonly checked: Checked<Module>;
}

export function moduleView(object: KubeObject): ModuleView {
  const { managedFields: _, ...metadata } = object.metadata;
  return { metadata, object: { ...object, metadata }, checked: checkModule(object) };
}

/** What a spoke keeps of a DaemonSet of ours: all of it but the managed fields; there are few. */
export interface DaemonSetView {
  readonly metadata: KubeObject['metadata'];
  readonly object: KubeObject;
}

export function daemonSetView(object: KubeObject): DaemonSetView {
  const { managedFields: _, ...metadata } = object.metadata;
  return { metadata, object: { ...object, metadata } };
}

/** Numbers of a DaemonSet's status; absent ones are zero. */
export function daemonSetNumbers({ object }: DaemonSetView): {
  readonly scheduled: number;
  readonly available: number;
} {
  const status = object['status'] as
    | { desiredNumberScheduled?: number; numberAvailable?: number }
    | undefined;
  return { scheduled: status?.desiredNumberScheduled ?? 0, available: status?.numberAvailable ?? 0 };
}

/** Whether pods with these tolerations may start on a node: each taint that keeps pods off is tolerated. */
export function tolerates(tolerations: readonly Toleration[], taints: readonly Taint[]): boolean {
  const strict = taints.filter(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute');
  return strict.every((taint) => tolerations.some((toleration) => matchesTaint(toleration, taint)));
}

function matchesTaint({ key, operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (!key) return operator === 'Exists';
  return key === taint.key && (operator === 'Exists' || value === (taint.value ?? ''));
}
