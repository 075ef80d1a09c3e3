import type { ManagedClusterModule, ManifestWork, Module, ModuleImage } from '@kmm-fleet/api';
import { LABELS, RESOURCES } from '@kmm-fleet/api';
import { CORE, type KubeClient, type KubeObject, listAll } from '@kmm-fleet/runtime';

/** A fleet that a story happens in: simulated in this process, or a lab with real components. */
export interface World {
  readonly hub: KubeClient;
  cluster(name: string): KubeClient;
  readonly clusters: readonly string[];
  readonly kernels: StoryKernels;
  /** What the user applies to the hub, in order. */
  readonly manifests: readonly KubeObject[];
  /** Tries until `check` gives something; fails naming `what` after the world's patience. */
  until<T>(what: string, check: () => Promise<T | undefined | false>): Promise<T>;
  /** Ends the hub without warning; whoever supervises it starts it again. */
  killHub(): Promise<void>;
}

export interface StoryKernels {
  readonly common: string;
  readonly edge: string;
  readonly upgrade: string;
  readonly unmapped: string;
}

/** Asks a simulated node to reboot into another kernel. */
export const KERNEL_ANNOTATION = 'lab.kmm.sigs.x-k8s.io/kernel';
/** Modules in a simulated node's kernel, comma-separated. */
export const MODULES_ANNOTATION = 'lab.kmm.sigs.x-k8s.io/modules';

export const MCM = 'my-mcm';
export const NAMESPACE = 'openshift-kmm';
export const HUB_NAMESPACE = 'openshift-kmm-hub';

export const images = (world: World) => listAll<ModuleImage>(world.hub, RESOURCES.moduleImage);

export const works = (world: World) => listAll<ManifestWork>(world.hub, RESOURCES.manifestWork);

export async function mcm(world: World): Promise<ManagedClusterModule | undefined> {
  return (await world.hub.get(RESOURCES.managedClusterModule, { name: MCM })) as unknown as
    | ManagedClusterModule
    | undefined;
}

export async function moduleOn(world: World, cluster: string): Promise<Module | undefined> {
  const name = { namespace: NAMESPACE, name: MCM };
  return (await world.cluster(cluster).get(RESOURCES.module, name)) as unknown as Module | undefined;
}

export const daemonSets = (world: World, cluster: string) =>
  listAll(world.cluster(cluster), CORE.daemonSet, { labelSelector: LABELS.moduleName });

export const pods = (world: World, cluster: string) =>
  listAll(world.cluster(cluster), CORE.pod, { labelSelector: LABELS.moduleName });

/** Node name → modules in its kernel, sorted. */
export async function loadedModules(world: World, cluster: string): Promise<Record<string, string[]>> {
  const nodes = await listAll(world.cluster(cluster), CORE.node);
  const entries = nodes.map(({ metadata }) => {
    const text = metadata.annotations?.[MODULES_ANNOTATION] ?? '';
    return [metadata.name, text.split(',').filter(Boolean).sort()] as const;
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Images of a cluster's work by kernel. */
export function pinsOf(work: ManifestWork | undefined): Record<string, string> {
  const module = work?.spec.workload?.manifests?.[0] as unknown as Module | undefined;
  const mappings = module?.spec.moduleLoader?.container.kernelMappings ?? [];
  return Object.fromEntries(
    mappings.map(({ literal = '', containerImage = '' }) => [literal, containerImage]),
  );
}
