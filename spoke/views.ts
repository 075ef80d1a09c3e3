import {
  type Checked,
  checkModule,
  coreOsVersion,
  kernelKey,
  kubeletWords,
  LABELS,
  type Module,
  type NodeSystem,
  ROLES,
} from '@kmm-fleet/api';
import { type KubeObject, lastLines } from '@kmm-fleet/runtime';
import { type Ended, type Unloading, unloadingOf, WORDS_CHARS_MAX } from './loaders/unloading.ts';

/** What a spoke keeps of a node: heartbeats change nothing of it. */
export interface NodeView {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string | undefined };
  readonly uid: string;
  /** Of the boot that its kubelet speaks of; absent before it has spoken. */
  readonly boot: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** As the node reports it, with a trailing '+' if there is one. */
  readonly release: string;
  /** Without it: what mappings and labels speak of. */
  readonly kernel: string;
  /** What brought that kernel, where it is RHEL CoreOS. */
  readonly system: NodeSystem | undefined;
}

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

interface NodeInfo {
  readonly bootID?: string;
  readonly kernelVersion?: string;
  readonly osImage?: string;
}

export function nodeView(object: KubeObject): NodeView {
  const spec = (object['spec'] ?? {}) as { taints?: Taint[]; unschedulable?: boolean };
  const status = object['status'] as { nodeInfo?: NodeInfo } | undefined;
  const { kernelVersion: release = '', osImage = '', bootID } = status?.nodeInfo ?? {};
  const kernel = kernelKey(release);
  const version = coreOsVersion(osImage);
  const { name, uid = '', resourceVersion, labels = {} } = object.metadata;
  return {
    metadata: { name, ...(resourceVersion && { resourceVersion }) },
    uid,
    boot: bootID,
    labels,
    taints: spec.taints ?? [],
    release,
    kernel,
    system: kernel && version ? { kernel, version } : undefined,
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
  /** Its container is ready as its node has last said; of a node that does not answer, a cluster says that no pod is. */
  readonly isUp: boolean;
  /** Of its container that is ready, by the clock of its node. RFC 3339. */
  readonly startedAt: string | undefined;
  readonly isDeleting: boolean;
  /** Why its container does not run, in the words of the kubelet and of what ran. */
  readonly problem: { readonly reason: string; readonly message: string } | undefined;
  /** Of a loader on its way out that has ended. */
  readonly unloading: Unloading | undefined;
  /** Where the node looks for firmware, '' for nowhere special; known of loaders that bring some. */
  readonly firmwarePath?: string;
}

/** Name of the container of a loader that reads it. */
export const FIRMWARE_PATH_READER = 'firmware-path';

interface ContainerStatus {
  readonly name?: string;
  readonly image?: string;
  readonly ready?: boolean;
  readonly state?: {
    readonly waiting?: { reason?: string; message?: string };
    readonly running?: { startedAt?: string };
    readonly terminated?: Ended & { reason?: string; exitCode?: number };
  };
  readonly lastState?: {
    readonly terminated?: { reason?: string; message?: string; exitCode?: number };
  };
}

interface PodStatus {
  readonly conditions?: readonly { type: string; status: string }[];
  readonly initContainerStatuses?: readonly ContainerStatus[];
  readonly containerStatuses?: readonly ContainerStatus[];
}

/** A container that waits for one of these is on its way. */
const STARTING = new Set(['ContainerCreating', 'PodInitializing']);
/** The kubelet alternates between these: told as one, a status does not change with every retry. */
const SAME_REASON: Readonly<Record<string, string>> = { ErrImagePull: 'ImagePullBackOff' };

export function podView(object: KubeObject): PodView {
  const { metadata } = object;
  const labels = metadata.labels ?? {};
  const status = object['status'] as PodStatus | undefined;
  const kernel = labels[LABELS.kernelVersion];
  // Pods of upstream's OpenShift edition carry no role; only loaders carry a kernel.
  const isLoader = labels[LABELS.role] === ROLES.loader || (!labels[LABELS.role] && kernel !== undefined);
  const isDeleting = metadata.deletionTimestamp !== undefined;
  const up = status?.containerStatuses?.find(({ ready }) => ready);
  const ended = status?.containerStatuses?.map(({ state }) => state?.terminated).find(isSeen);
  return {
    metadata,
    module: labels[LABELS.moduleName] ?? '',
    role: isLoader ? ROLES.loader : ROLES.devicePlugin,
    kernel,
    node: (object['spec'] as { nodeName?: string } | undefined)?.nodeName ?? '',
    isReady:
      status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false,
    isUp: up !== undefined,
    startedAt: up?.state?.running?.startedAt,
    isDeleting,
    problem: problemOf(status, isLoader),
    unloading: isDeleting && isLoader && ended ? unloadingOf(object, ended) : undefined,
    ...firmwarePathOf(status),
  };
}

/** Of one that a kubelet has lost, as after a power failure, nobody knows the end; the words are the kubelet's own. */
const isSeen = (terminated: { readonly reason?: string } | undefined): boolean =>
  terminated !== undefined && terminated.reason !== 'ContainerStatusUnknown';

function firmwarePathOf({ initContainerStatuses = [] }: PodStatus = {}): Pick<PodView, 'firmwarePath'> {
  const reader = initContainerStatuses.find(({ name }) => name === FIRMWARE_PATH_READER);
  const ended = reader?.state?.terminated;
  return ended?.exitCode === 0 ? { firmwarePath: (ended.message ?? '').trim() } : {};
}

function problemOf(status: PodStatus | undefined, isLoader: boolean): PodView['problem'] {
  // Only the container that loads has hooks.
  const init = status?.initContainerStatuses?.find((candidate) => isStuck(candidate, false));
  if (init) return problemWith(init, false);
  const container = status?.containerStatuses?.find((candidate) => isStuck(candidate, isLoader));
  return container && problemWith(container, isLoader);
}

function problemWith(container: ContainerStatus, isLoader: boolean): NonNullable<PodView['problem']> {
  const { waiting } = container.state ?? {};
  const words = (
    container.lastState?.terminated?.message || kubeletWords(hookWords(waiting?.message ?? ''))
  ).trim();
  const waitsFor = waiting?.reason ?? 'Waiting';
  const reason = hookHasFailed(container, isLoader)
    ? 'PostStartHookError'
    : (SAME_REASON[waitsFor] ?? waitsFor);
  const told = reason === 'ImagePullBackOff' ? withImage(words, container.image) : words;
  return { reason, message: lastLines(distinct(told), WORDS_CHARS_MAX) };
}

/** What a registry says may name itself alone. */
const withImage = (words: string, image = '') => (words.includes(image) ? words : `${image}: ${words}`);

/** Both hooks say the same of a module that is not in the image. */
const distinct = (text: string) => [...new Set(text.split('\n'))].join('\n');

/** What the hook printed, out of the kubelet's sentence about it, which holds the command twice; else all of it. */
function hookWords(message: string): string {
  const [, printed = ''] = /^Exec lifecycle hook .* failed - .*, message: "(.*)"$/s.exec(message) ?? [];
  return printed.replaceAll('\\n', '\n').replaceAll('\\"', '"') || message;
}

function isStuck(container: ContainerStatus, isLoader: boolean): boolean {
  const { waiting } = container.state ?? {};
  if (waiting && !STARTING.has(waiting.reason ?? '')) return true;
  // Between two tries the container runs or is created again; what failed before is still so.
  return !container.ready && hookHasFailed(container, isLoader);
}

/**
 * A loader's main process only sleeps, so an end of it that was not a crash of the node (255, `Unknown`) means that the
 * hook failed. The kubelet shows `PostStartHookError` for seconds, and a back-off of no content after that.
 */
function hookHasFailed({ state, lastState }: ContainerStatus, isLoader: boolean): boolean {
  if (!isLoader) return false;
  if (state?.waiting?.reason === 'PostStartHookError') return true;
  const { reason, exitCode } = lastState?.terminated ?? {};
  return (reason === 'Completed' || reason === 'Error') && exitCode !== 255;
}

/** A Module with the verdict on it. */
export interface ModuleView {
  readonly metadata: KubeObject['metadata'];
  readonly object: KubeObject;
  readonly checked: Checked<Module>;
}

export function moduleView(object: KubeObject): ModuleView {
  return { metadata: object.metadata, object, checked: checkModule(object) };
}

/** What a spoke keeps of a DaemonSet of ours: all of it; there are few. */
export interface DaemonSetView {
  readonly metadata: KubeObject['metadata'];
  readonly object: KubeObject;
}

export function daemonSetView(object: KubeObject): DaemonSetView {
  return { metadata: object.metadata, object };
}

interface DaemonSetStatus {
  readonly observedGeneration?: number;
  readonly desiredNumberScheduled?: number;
  readonly updatedNumberScheduled?: number;
  readonly numberAvailable?: number;
}

/** Numbers of a DaemonSet's status; absent ones are zero. */
export function daemonSetNumbers({ object }: DaemonSetView): {
  readonly scheduled: number;
  readonly updated: number;
  readonly available: number;
  /** The numbers speak of the DaemonSet as it is now. */
  readonly isCurrent: boolean;
} {
  const status = (object['status'] ?? {}) as DaemonSetStatus;
  return {
    scheduled: status.desiredNumberScheduled ?? 0,
    updated: status.updatedNumberScheduled ?? 0,
    available: status.numberAvailable ?? 0,
    isCurrent: (status.observedGeneration ?? 0) >= (object.metadata.generation ?? 1),
  };
}

/** Whether a DaemonSet is the Module's: another controller's is never touched, one without any may be taken over. */
export function belongsTo({ metadata }: DaemonSetView, module: string): boolean {
  const controller = metadata.ownerReferences?.find((owner) => owner.controller);
  return !controller || (controller.kind === 'Module' && controller.name === module);
}
