import {
  type Checked,
  checkManagedClusterModule,
  type ManagedClusterModule,
  type ManifestWork,
  type ModuleImage,
  type ModuleImageSpec,
  matchesSelector,
  RESOURCES,
} from '@kmm-fleet/api';
import {
  type ClusterView,
  clusterView,
  createKernelImages,
  type KernelImages,
  planWork,
  type WorkPlan,
} from '@kmm-fleet/hub';
import { isWanted } from '@kmm-fleet/images';
import type { KubeObject } from '@kmm-fleet/runtime';
import type { Connected } from './connection.ts';

/** What the hub plans from, as its API server holds it now. */
export interface FleetView {
  readonly clusters: ReadonlyMap<string, ClusterView>;
  /** By `cluster/name`. */
  readonly works: ReadonlyMap<string, ManifestWork>;
  readonly images: ReadonlyMap<string, ModuleImage>;
  readonly kernelImages: KernelImages;
}

/** One module on one cluster, seen with the hub's own planner. */
export interface FleetItem {
  readonly cluster: string;
  readonly plan: WorkPlan;
  readonly work: ManifestWork | undefined;
}

export async function readFleet(hub: Connected, operatorNamespace: string): Promise<FleetView> {
  const [clusters, works, images] = await Promise.all([
    hub.list(RESOURCES.managedCluster),
    hub.list<ManifestWork>(RESOURCES.manifestWork),
    hub.list<ModuleImage>(RESOURCES.moduleImage),
  ]);
  return fleetView(clusters, works, images, operatorNamespace);
}

export function fleetView(
  clusters: readonly KubeObject[],
  works: readonly ManifestWork[],
  images: readonly ModuleImage[],
  operatorNamespace: string,
): FleetView {
  return {
    clusters: new Map(clusters.map((object) => [object.metadata.name, clusterView(object)])),
    works: new Map(works.map((work) => [`${work.metadata.namespace}/${work.metadata.name}`, work])),
    images: new Map(images.map((image) => [image.metadata.name, image])),
    kernelImages: createKernelImages(operatorNamespace),
  };
}

/** Every cluster that a module selects or still has a work on, planned, sorted. Pure. @param mcm undefined: it is gone */
export function planItems(name: string, mcm: KubeObject | undefined, fleet: FleetView): FleetItem[] {
  const checked = mcm && !mcm.metadata.deletionTimestamp ? checkManagedClusterModule(mcm) : undefined;
  const selected = [...fleet.clusters.values()].filter(({ labels }) => isSelected(checked, labels));
  const holding = [...fleet.works.values()]
    .filter(({ metadata }) => metadata.name === name)
    .map(({ metadata }) => metadata.namespace ?? '');
  const names = new Set([...selected.map(({ metadata }) => metadata.name), ...holding]);
  return [...names].sort().map((cluster) => {
    const work = fleet.works.get(`${cluster}/${name}`);
    const view = fleet.clusters.get(cluster);
    const plan = planWork({
      mcm: checked && { uid: mcm?.metadata.uid ?? ownerOf(work), checked },
      cluster: view,
      isSelected: isSelected(checked, view?.labels ?? {}),
      kernelImages: fleet.kernelImages,
      image: (image, spec) =>
        ifWanted(fleet.images.get(image), spec) ?? ifContested(fleet.images.get(image), spec),
      work,
    });
    return { cluster, plan, work };
  });
}

function isSelected(
  checked: Checked<ManagedClusterModule> | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  return checked?.ok === true && matchesSelector(checked.value.spec.selector, labels);
}

/** The image when it is made by the wanted recipe, as the hub judges it. */
const ifWanted = (image: ModuleImage | undefined, spec: ModuleImageSpec) =>
  image && isWanted(image, spec) ? image : undefined;

/** The image as the hub will have it once two modules want different contents under its name. */
function ifContested(image: ModuleImage | undefined, spec: ModuleImageSpec): ModuleImage | undefined {
  const isMade = spec.build ?? spec.sign ?? image?.spec.build ?? image?.spec.sign;
  if (!image || !isMade || image.spec.module.name === spec.module.name) return undefined;
  const message = `Module ${image.spec.module.name} wants other contents under ${spec.image}: both would stop. Give each module an image name of its own.`;
  return { ...image, status: { ...image.status, state: 'Conflict', reason: 'RecipeConflict', message } };
}

/** The uid of the module as its work has it; a file that was never applied knows none. */
function ownerOf(work: ManifestWork | undefined): string {
  const owners = work?.metadata['ownerReferences'] as { uid: string }[] | undefined;
  return owners?.[0]?.uid ?? '';
}
