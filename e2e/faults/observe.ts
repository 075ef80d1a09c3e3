import {
  isTrue,
  LABELS,
  type ManagedClusterModule,
  type ManifestWork,
  type ModuleImage,
  RESOURCES,
} from '@kmm-fleet/api';
import { CORE, type KubeObject, listAll } from '@kmm-fleet/runtime';
import { MODULES_ANNOTATION, pinsOf } from '../story/world.ts';
import { FAULT_KERNEL, type FaultFleet } from './fault-fleet.ts';

/** A ManagedClusterModule of the fleet, and the kernel module that it loads. */
export interface FaultNames {
  readonly name: string;
  readonly module: string;
}

export function readyDigest({ look }: FaultFleet, image: string): string | undefined {
  const images = look<ModuleImage>('hub', RESOURCES.moduleImage);
  const { status } = images.find(({ spec }) => spec.image === image) ?? {};
  return status?.state === 'Ready' ? status.digest : undefined;
}

type Cluster = 'east' | 'west';

/** Pairs of what must be so and whether it is: those that are not. */
const missingOf = (...all: readonly (readonly [string, boolean])[]): string[] =>
  all.filter(([, isSo]) => !isSo).map(([what]) => what);

/**
 * What a cluster lacks of a module's version: its work pins this digest and is applied, its loader runs it, the kernel
 * has it, and the label says so.
 */
export function lacks(
  fleet: FaultFleet,
  cluster: Cluster,
  { name, module }: FaultNames,
  digest: string,
): string[] {
  const work = workOf(fleet, cluster, name);
  const [node] = fleet.look(cluster, CORE.node);
  const images = loaders(fleet, cluster, name).flatMap(
    ({ spec }) => (spec as { containers: { image: string }[] }).containers,
  );
  return missingOf(
    [
      `the work of ${cluster} does not pin ${digest}`,
      pinsOf(work)[FAULT_KERNEL]?.endsWith(`@${digest}`) === true,
    ],
    [`the work of ${cluster} is not applied`, isTrue(work?.status?.conditions, 'Applied')],
    [
      `the loader of ${cluster} is not this image alone`,
      images.length === 1 && images[0]?.image.endsWith(`@${digest}`) === true,
    ],
    [`the kernel of ${cluster} lacks it`, loadedOn(node).includes(module)],
    [
      `the node of ${cluster} has no label`,
      Object.keys(node?.metadata.labels ?? {}).some((key) => key.endsWith(`.${name}.ready`)),
    ],
  );
}

/** What the status of a module on the hub does not say yet: that so many clusters have its present version. */
export function untold({ look }: FaultFleet, name: string, ready: number): string[] {
  const mcms = look<ManagedClusterModule>('hub', RESOURCES.managedClusterModule);
  const { status } = mcms.find(({ metadata }) => metadata.name === name) ?? {};
  const isTold = status?.clusters?.ready === ready && isTrue(status.conditions, 'Ready');
  return missingOf([`the hub does not say that ${ready} are ready`, isTold]);
}

const workOf = ({ look }: FaultFleet, cluster: Cluster, name: string) =>
  look<ManifestWork>('hub', RESOURCES.manifestWork).find(
    ({ metadata }) => metadata.namespace === cluster && metadata.name === name,
  );

const loadedOn = (node: KubeObject | undefined): string[] =>
  (node?.metadata.annotations?.[MODULES_ANNOTATION] ?? '').split(',');

const isOf =
  (name: string) =>
  ({ metadata }: KubeObject) =>
    metadata.labels?.[LABELS.moduleName] === name;

const loaders = ({ look }: FaultFleet, cluster: Cluster, name: string) =>
  look(cluster, CORE.pod).filter(isOf(name));

/** Asked for, not as last watched: it is what must not have changed by now. */
export async function loaderUid(fleet: FaultFleet, cluster: Cluster, name: string) {
  const labelSelector = `${LABELS.moduleName}=${name}`;
  const [pod] = await listAll(fleet.client(cluster), CORE.pod, { labelSelector });
  return pod?.metadata.uid;
}

/** What is left of the module on the cluster, and its work on the hub. */
export function leftOf(fleet: FaultFleet, cluster: Cluster, { name, module }: FaultNames): string[] {
  const nodes = fleet.look(cluster, CORE.node);
  const labels = nodes.flatMap(({ metadata }) => Object.keys(metadata.labels ?? {}));
  const modules = fleet.look(cluster, RESOURCES.module);
  return missingOf(
    [`${cluster} has its Module`, !modules.some(({ metadata }) => metadata.name === name)],
    [`${cluster} has its DaemonSet`, !fleet.look(cluster, CORE.daemonSet).some(isOf(name))],
    [`${cluster} has its loader`, loaders(fleet, cluster, name).length === 0],
    [`the node of ${cluster} has its label`, !labels.some((label) => label.endsWith(`.${name}.ready`))],
    [`the kernel of ${cluster} has it`, !nodes.some((node) => loadedOn(node).includes(module))],
    [`the hub has the work of ${cluster}`, workOf(fleet, cluster, name) === undefined],
  );
}

export function isForgotten({ look }: FaultFleet, name: string): boolean {
  const images = look<ModuleImage>('hub', RESOURCES.moduleImage);
  return !images.some(({ spec }) => spec.image.includes(`/${name}:`));
}
