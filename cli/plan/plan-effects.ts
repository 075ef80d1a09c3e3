import { kernelKey, type ManifestWork, Module, type ModuleSpec } from '@kmm-fleet/api';
import { diffWork, hasReportedNodes, pinsOf, reportedNodes } from '@kmm-fleet/hub';
import { deepEqual } from '@kmm-fleet/runtime';
import type { FleetItem } from '../hub/fleet-view.ts';

/** What a change of its work does to the nodes of a cluster that have the module. */
export interface Effect {
  /** It leaves nodes; another module takes its place; it is unloaded and loaded again, node by node. */
  readonly kind: 'unload' | 'replace' | 'reload';
  /** The field of the ManagedClusterModule that changed; `image` for what a kernel is pinned to. */
  readonly field: string;
  /** Nodes of the cluster that have the module now; absent where the cluster has not said. */
  readonly nodes?: number;
}

/** Whether the module that is loaded now is gone from nodes afterwards. */
export const loses = ({ kind }: Effect): boolean => kind !== 'reload';

type Found = Pick<Effect, 'kind' | 'field'>;

const MODULE = 'spec.moduleSpec';
const CONTAINER = 'moduleLoader.container';
/** What else stands in the pods of loaders: an edit makes new ones. */
const RELOADING = [
  'selector',
  'tolerations',
  'imageRepoSecret',
  'moduleLoader.serviceAccountName',
  `${CONTAINER}.imagePullPolicy`,
  `${CONTAINER}.modprobe`,
] as const;

/** What happens to the module where it is loaded; nothing for a work that is not there, stays, or goes already. Pure. */
export function planEffects(item: FleetItem): Effect[] {
  const { plan, work } = item;
  const change = diffWork(plan, work);
  const before = specOf(work);
  if (!work || !change || !before?.moduleLoader) return [];
  const { selected, available } = reportedNodes(work);
  const isKnown = hasReportedNodes(work);
  if (isKnown && selected === 0 && available === 0) return [];
  const found = change.kind === 'delete' ? [unload('spec.selector')] : changesOf(item, before, change.work);
  return found.map((one) => ({ ...one, ...(isKnown && { nodes: available }) }));
}

function changesOf({ plan, work }: FleetItem, before: ModuleSpec, next: ManifestWork): Found[] {
  const after = specOf(next);
  if (!after?.moduleLoader) return [unload(`${MODULE}.moduleLoader`)];
  const [pins, nextPins] = [pinsOf(work), pinsOf(next)];
  const losing = [
    ...(isNarrower(before.selector, after.selector) ? [unload(`${MODULE}.selector`)] : []),
    ...(plan.waits.some(({ kernel = '' }) => isDropped(kernelKey(kernel), pins, nextPins))
      ? [unload(`${MODULE}.${CONTAINER}.kernelMappings`)]
      : []),
  ];
  // In an ordered upgrade each node keeps its version until its label names another.
  if (!equalAt(before, after, `${CONTAINER}.version`)) return losing;
  const name = `${CONTAINER}.modprobe.moduleName`;
  if (!equalAt(before, after, name)) return [...losing, { kind: 'replace', field: `${MODULE}.${name}` }];
  return losing.length > 0 ? losing : reloadsOf(before, after, pins, nextPins);
}

function reloadsOf(
  before: ModuleSpec,
  after: ModuleSpec,
  pins: ReadonlyMap<string, string>,
  nextPins: ReadonlyMap<string, string>,
): Found[] {
  const fields = RELOADING.filter((path) => !equalAt(before, after, path)).map((path) => `${MODULE}.${path}`);
  const kept = [...pins].filter(([kernel]) => nextPins.has(kernel));
  const isOther = kept.some(([kernel, image]) => nextPins.get(kernel) !== image);
  const removes = [before, after].map((spec) => kept.map(([kernel]) => removedFirst(spec, kernel)));
  return [
    ...fields,
    ...(deepEqual(removes[0], removes[1]) ? [] : [`${MODULE}.${CONTAINER}.inTreeModulesToRemove`]),
    ...(isOther ? ['image'] : []),
  ].map((field) => ({ kind: 'reload', field }));
}

const unload = (field: string): Found => ({ kind: 'unload', field });

/** As a spoke reads it: a default that is written down or not is the same. */
function specOf(work: ManifestWork | undefined): ModuleSpec | undefined {
  const manifest = work?.spec.workload?.manifests?.[0];
  return Module.safeParse(manifest).data?.spec ?? (manifest?.['spec'] as ModuleSpec | undefined);
}

/** Whether a node that had all labels before may lack one now. */
const isNarrower = (before: ModuleSpec['selector'], after: ModuleSpec['selector']): boolean =>
  Object.entries(after).some(([key, value]) => before[key] !== value);

/** Whether a kernel that the cluster runs loses its image. */
const isDropped = (
  kernel: string,
  pins: ReadonlyMap<string, string>,
  nextPins: ReadonlyMap<string, string>,
) => pins.has(kernel) && !nextPins.has(kernel);

function removedFirst({ moduleLoader }: ModuleSpec, kernel: string): readonly string[] {
  const mapping = moduleLoader?.container.kernelMappings.find(({ literal }) => literal === kernel);
  const { inTreeModuleToRemove: one, inTreeModulesToRemove: many } = mapping ?? {};
  return many ?? (one ? [one] : []);
}

const equalAt = (before: ModuleSpec, after: ModuleSpec, path: string): boolean =>
  deepEqual(at(before, path), at(after, path));

const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value);
