import {
  type Finding,
  found,
  type LoaderRecipe,
  type Module,
  type ModuleIdentity,
  matchesSelector,
  parseImageReference,
  resolveRecipe,
  selectMapping,
  warned,
} from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import { devicePluginDaemonSet, devicePluginLabels } from '../device-plugins/device-plugin-daemonset.ts';
import { loaderDaemonSet, loaderLabels } from '../loaders/loader-daemonset.ts';
import { isUpstreamTwin } from '../loaders/upstream-twin.ts';
import { belongsTo, type DaemonSetView, type NodeView } from '../views.ts';
import { existingFor, hasChangedItsMind, removedNames } from './plan-removal.ts';
import { isAbsent, tolerates } from './tolerations.ts';

export interface ModuleInput {
  readonly module: Module;
  readonly uid: string;
  readonly nodes: readonly NodeView[];
  /** DaemonSets with the label of this module. */
  readonly daemonSets: readonly DaemonSetView[];
  readonly operatorNamespace: string;
  /** With images that this cluster makes itself: their pins. Absent on a managed spoke. */
  readonly pin?: ((recipe: LoaderRecipe) => ImagePin) | undefined;
}

/** The image of a recipe, or why its kernel has to wait: until somebody acts, or only until it is made. */
export type ImagePin =
  | { readonly image: string }
  | { readonly refused: Finding }
  | { readonly awaited: Finding };

export interface ModulePlan {
  /** DaemonSets as they should be, sorted by name. */
  readonly daemonSets: readonly KubeObject[];
  /** Names of those that go, sorted. */
  readonly removed: readonly string[];
  /** Nodes that the selector matches and whose taints are tolerated, and those of them whose kernel has a mapping. */
  readonly matching: number;
  readonly desired: number;
  /** Names of those that should be served and are not heard of or not ready, sorted. */
  readonly absent: readonly string[];
  /** What holds a kernel back. */
  readonly findings: readonly Finding[];
  /** Images that are on their way: their kernels are served once they are there. */
  readonly awaited: readonly Finding[];
  /** What holds nothing back, but should be known. */
  readonly warnings: readonly Finding[];
}

/** Decides the DaemonSets of one Module. One kernel's problem holds back only itself. Pure. */
export function planModule(given: ModuleInput): ModulePlan {
  const { module } = given;
  const input = {
    ...given,
    daemonSets: given.daemonSets.filter((view) => belongsTo(view, module.metadata.name)),
  };
  const matching = input.nodes.filter(
    ({ labels, release }) => release !== '' && matchesSelector(module.spec.selector, labels),
  );
  const schedulable = matching.filter(({ taints }) => tolerates(module.spec.tolerations ?? [], taints));
  const isMapped = ({ kernel }: NodeView) => !module.spec.moduleLoader || hasMapping(module, kernel);
  const desired = schedulable.filter(isMapped);
  const absent = desired.filter(({ taints }) => isAbsent(taints)).map(({ metadata }) => metadata.name);
  const counts = { matching: schedulable.length, desired: desired.length, absent: absent.sort() };
  if (hasChangedItsMind(module, input.daemonSets))
    return { ...counts, daemonSets: [], removed: [], ...held({ findings: [versionChanged()] }) };
  const kernels = module.spec.moduleLoader
    ? [...new Set(schedulable.map(({ kernel }) => kernel))].sort()
    : [];
  const loaders = kernels.map((kernel) => planLoader(input, kernel, schedulable));
  const daemonSets = [
    ...loaders.flatMap(({ daemonSet }) => (daemonSet ? [daemonSet] : [])),
    ...planDevicePlugin(input),
  ];
  const kept = loaders.flatMap(({ kept: name }) => (name ? [name] : []));
  return {
    ...counts,
    daemonSets: daemonSets.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)),
    removed: removedNames(
      module,
      input.daemonSets,
      new Set([...daemonSets.map(({ metadata }) => metadata.name), ...kept]),
      new Set(matching.filter(isMapped).map(({ kernel }) => kernel)),
    ),
    findings: loaders.flatMap(({ findings }) => findings),
    awaited: loaders.flatMap(({ awaited }) => awaited),
    warnings: loaders.flatMap(({ warnings }) => warnings),
  };
}

interface LoaderPlan {
  readonly daemonSet?: KubeObject;
  /** Name of a DaemonSet of upstream's that does the same: writing it would only reload the module. */
  readonly kept?: string;
  readonly findings: readonly Finding[];
  readonly awaited: readonly Finding[];
  readonly warnings: readonly Finding[];
}

const held = (why: Partial<LoaderPlan>): LoaderPlan => ({ findings: [], awaited: [], warnings: [], ...why });

function planLoader(input: ModuleInput, kernel: string, nodes: readonly NodeView[]): LoaderPlan {
  const { module, uid, operatorNamespace } = input;
  const identity: ModuleIdentity = { name: module.metadata.name, namespace: module.metadata.namespace ?? '' };
  const resolved = resolveRecipe(identity, module.spec, kernel);
  if (!resolved.ok) return held({ findings: resolved.findings });
  const pin = input.pin?.(resolved.value) ?? refuseBuild(resolved.value) ?? { image: resolved.value.image };
  if ('refused' in pin) return held({ findings: [pin.refused] });
  if ('awaited' in pin) return held({ awaited: [pin.awaited] });
  const recipe = { ...resolved.value, image: pin.image };
  const observed = existingFor(input.daemonSets, loaderLabels(module, kernel));
  const release = releaseOf(kernel, nodes, observed?.view);
  const existing = observed?.existing;
  const daemonSet = loaderDaemonSet({ module, uid, recipe, release, operatorNamespace, existing });
  const warnings = input.pin ? [] : unpinned(recipe);
  if (observed && isUpstreamTwin(daemonSet, recipe, observed.view))
    return { ...held({ warnings }), kept: observed.view.metadata.name };
  return { ...held({ warnings }), daemonSet };
}

function planDevicePlugin({ module, uid, operatorNamespace, daemonSets }: ModuleInput): KubeObject[] {
  const observed = existingFor(daemonSets, devicePluginLabels(module));
  const plugin = devicePluginDaemonSet(module, uid, operatorNamespace, observed?.existing);
  return plugin ? [plugin] : [];
}

/**
 * The directory below /lib/modules. Nodes that differ only in a trailing '+' share a loader; it stays at what it has
 * mounted for as long as a node runs that, so that a new node restarts nobody else's.
 */
function releaseOf(kernel: string, nodes: readonly NodeView[], observed: DaemonSetView | undefined): string {
  const releases = nodes.filter((node) => node.kernel === kernel).map(({ release }) => release);
  const text = JSON.stringify(observed?.object['spec'] ?? {});
  const mounted = releases.find((release) => text.includes(`"path":"/lib/modules/${release}"`));
  return mounted ?? releases.sort()[0] ?? kernel;
}

/** A managed spoke neither builds nor signs; waiting in silence would help nobody. */
function refuseBuild({ build, sign, kernel }: LoaderRecipe): ImagePin | undefined {
  if (!build && !sign) return undefined;
  const message = `Kernel ${kernel} has a build or sign section, and this cluster is managed by a hub.`;
  return {
    refused: found(
      'BuildOnManagedSpoke',
      'spec.moduleLoader',
      message,
      'Deploy it with a ManagedClusterModule.',
    ),
  };
}

/** Upstream's hub ships tags: they are run, and told. */
function unpinned({ image, kernel }: LoaderRecipe): Finding[] {
  const reference = parseImageReference(image);
  if (!reference.ok || reference.value.digest) return [];
  const message = `The image of kernel ${kernel} has no digest: nodes may run different contents.`;
  const next = 'Let a hub that pins images ship the Module, or write repo@sha256:….';
  return [warned('ImageNotPinned', 'spec.moduleLoader.container.kernelMappings', message, next)];
}

function versionChanged(): Finding {
  const message = 'The version cannot be added to or taken from a Module that is loaded.';
  const next = 'Undo the edit, or delete the Module and create it again.';
  return found('VersionToggled', 'spec.moduleLoader.container.version', message, next);
}

function hasMapping({ spec }: Module, kernel: string): boolean {
  return selectMapping(spec.moduleLoader?.container.kernelMappings ?? [], kernel) !== undefined;
}
