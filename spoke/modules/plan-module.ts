import {
  type Finding,
  found,
  LABELS,
  type LoaderRecipe,
  loaderVersionLabel,
  type Module,
  type ModuleIdentity,
  matchesSelector,
  ROLES,
  resolveRecipe,
} from '@kmm-fleet/api';
import { isSubset, type KubeObject } from '@kmm-fleet/runtime';
import { devicePluginDaemonSet, devicePluginLabels } from '../device-plugins/device-plugin-daemonset.ts';
import { loaderDaemonSet, loaderLabels } from '../loaders/loader-daemonset.ts';
import { type DaemonSetView, daemonSetNumbers, type NodeView, tolerates } from '../views.ts';

export interface ModuleInput {
  readonly module: Module;
  readonly uid: string;
  readonly nodes: readonly NodeView[];
  /** DaemonSets of this module. */
  readonly daemonSets: readonly DaemonSetView[];
  readonly operatorNamespace: string;
  /** With images that this cluster makes itself: their pins; a recipe without one must wait. Absent on a managed spoke. */
  readonly pin?:
    | ((recipe: LoaderRecipe) => { readonly image: string } | { readonly wait: Finding })
    | undefined;
}

export interface ModulePlan {
  /** DaemonSets as they should be, sorted by name. */
  readonly daemonSets: readonly KubeObject[];
  /** Names of those that go, sorted. */
  readonly removed: readonly string[];
  /** Schedulable nodes that the selector matches, and those of them whose kernel has a mapping. */
  readonly matching: number;
  readonly desired: number;
  readonly findings: readonly Finding[];
}

/** Decides the DaemonSets of one Module. One kernel's problem holds back only itself. Pure. */
export function planModule(input: ModuleInput): ModulePlan {
  const { module } = input;
  const matching = input.nodes.filter(
    ({ labels, release }) => release !== '' && matchesSelector(module.spec.selector, labels),
  );
  const schedulable = matching.filter(({ taints }) => tolerates(module.spec.tolerations ?? [], taints));
  const kernels = [...new Set(schedulable.map(({ kernel }) => kernel))].sort();
  const loaders = module.spec.moduleLoader
    ? kernels.map((kernel) => planLoader(input, kernel, schedulable))
    : [];
  const mapped = new Set(loaders.filter(({ isMapped }) => isMapped).map(({ kernel }) => kernel));
  const plugin = devicePluginDaemonSet(
    module,
    input.uid,
    input.operatorNamespace,
    nameOf(input.daemonSets, devicePluginLabels(module)),
  );
  const desired = [
    ...loaders.flatMap(({ daemonSet }) => (daemonSet ? [daemonSet] : [])),
    ...(plugin ? [plugin] : []),
  ];
  return {
    daemonSets: desired.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)),
    removed: removedNames(input, desired, matching),
    matching: schedulable.length,
    desired: module.spec.moduleLoader
      ? schedulable.filter(({ kernel }) => mapped.has(kernel)).length
      : schedulable.length,
    findings: loaders.flatMap(({ findings }) => findings),
  };
}

interface LoaderPlan {
  readonly kernel: string;
  readonly isMapped: boolean;
  readonly daemonSet?: KubeObject;
  readonly findings: readonly Finding[];
}

function planLoader(input: ModuleInput, kernel: string, nodes: readonly NodeView[]): LoaderPlan {
  const { module } = input;
  const identity: ModuleIdentity = { name: module.metadata.name, namespace: module.metadata.namespace ?? '' };
  const resolved = resolveRecipe(identity, module.spec, kernel);
  if (!resolved.ok) return { kernel, isMapped: false, findings: resolved.findings };
  const pin = input.pin?.(resolved.value) ?? refuseBuild(resolved.value) ?? { image: resolved.value.image };
  if ('wait' in pin) return { kernel, isMapped: true, findings: [pin.wait] };
  const release =
    nodes
      .filter((node) => node.kernel === kernel)
      .map((node) => node.release)
      .sort()[0] ?? kernel;
  const existingName = nameOf(input.daemonSets, loaderLabels(module, kernel));
  const recipe = { ...resolved.value, image: pin.image };
  const { uid, operatorNamespace } = input;
  const daemonSet = loaderDaemonSet({ module, uid, recipe, release, operatorNamespace, existingName });
  return { kernel, isMapped: true, daemonSet, findings: [] };
}

/** A managed spoke neither builds nor signs; waiting in silence would help nobody. */
function refuseBuild({ build, sign, kernel }: LoaderRecipe): { readonly wait: Finding } | undefined {
  if (!build && !sign) return undefined;
  const message = `Kernel ${kernel} has a build or sign section, and this cluster is managed by a hub.`;
  return {
    wait: found(
      'BuildOnManagedSpoke',
      'spec.moduleLoader',
      message,
      'Deploy it with a ManagedClusterModule.',
    ),
  };
}

/**
 * DaemonSets to remove. A loader goes when its kernel runs on no node that the selector matches, or has no mapping any
 * more; a node that is cordoned still runs its kernel. A loader of an older version goes when no node runs it.
 */
function removedNames(
  { module, daemonSets }: ModuleInput,
  desired: readonly KubeObject[],
  matching: readonly NodeView[],
): string[] {
  const wanted = new Set(desired.map(({ metadata }) => metadata.name));
  const running = new Set(matching.map(({ kernel }) => kernel));
  const versionLabel = loaderVersionLabel(module.metadata.namespace ?? '', module.metadata.name);
  const version = module.spec.moduleLoader?.container.version;
  const goes = (view: DaemonSetView) => {
    const labels = view.metadata.labels ?? {};
    const kernel = labels[LABELS.kernelVersion];
    if (wanted.has(view.metadata.name) || view.metadata.deletionTimestamp) return false;
    if (kernel === undefined) return true;
    if (!module.spec.moduleLoader || !running.has(kernel)) return true;
    if (labels[versionLabel] !== version) return daemonSetNumbers(view).scheduled === 0;
    // Cordoned nodes, and a kernel whose image is not ready, keep what runs; without a mapping it was asked to go.
    return !hasMapping(module, kernel);
  };
  return daemonSets
    .filter(goes)
    .map(({ metadata }) => metadata.name)
    .sort();
}

function hasMapping(module: Module, kernel: string): boolean {
  const identity = { name: module.metadata.name, namespace: module.metadata.namespace ?? '' };
  return resolveRecipe(identity, module.spec, kernel).ok;
}

/** Name of a DaemonSet of the module that has these labels; a role that is missing does not count (older releases). */
function nameOf(
  daemonSets: readonly DaemonSetView[],
  labels: Readonly<Record<string, string>>,
): string | undefined {
  const isLoader = labels[LABELS.role] === ROLES.loader;
  const match = daemonSets.find(({ metadata }) => {
    const own = metadata.labels ?? {};
    if (metadata.deletionTimestamp || LABELS.kernelVersion in own !== isLoader) return false;
    return isSubset(labels, { ...own, [LABELS.role]: labels[LABELS.role] });
  });
  // A selector cannot be changed: one made without the role label is replaced, not taken over.
  return match && LABELS.role in (match.metadata.labels ?? {}) ? match.metadata.name : undefined;
}
