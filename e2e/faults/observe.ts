import { setTimeout as sleep } from 'node:timers/promises';
import { isTrue, LABELS, type ManifestWork, type ModuleImage, RESOURCES } from '@kmm-fleet/api';
import { CORE, type KubeObject, listAll } from '@kmm-fleet/runtime';
import { MODULES_ANNOTATION, pinsOf } from '../story/world.ts';
import { FAULT_KERNEL, type FaultFleet } from './fault-fleet.ts';

/** A ManagedClusterModule of the fleet, and the kernel module that it loads. */
export interface FaultNames {
  readonly name: string;
  readonly module: string;
}

const PATIENCE_MS = 90_000;
const PAUSE_MS = 250;

export function readyDigest({ look }: FaultFleet, image: string): string | undefined {
  const images = look<ModuleImage>('hub', RESOURCES.moduleImage);
  const { status } = images.find(({ spec }) => spec.image === image) ?? {};
  return status?.state === 'Ready' ? status.digest : undefined;
}

type Cluster = 'east' | 'west';

/** The cluster's work pins this digest and is applied, its loader runs it, the kernel has it, and the label says so. */
export function runs(
  fleet: FaultFleet,
  cluster: Cluster,
  { name, module }: FaultNames,
  digest: string,
): boolean {
  const work = workOf(fleet, cluster, name);
  const [node] = fleet.look(cluster, CORE.node);
  const images = loaders(fleet, cluster, name).flatMap(
    ({ spec }) => (spec as { containers: { image: string }[] }).containers,
  );
  return (
    pinsOf(work)[FAULT_KERNEL]?.endsWith(`@${digest}`) === true &&
    isTrue(work?.status?.conditions, 'Applied') &&
    images.length === 1 &&
    images[0]?.image.endsWith(`@${digest}`) === true &&
    loadedOn(node).includes(module) &&
    Object.keys(node?.metadata.labels ?? {}).some((key) => key.endsWith(`.${name}.ready`))
  );
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

/** Nothing of the module is left on the cluster, and its work is gone from the hub. */
export function isEmpty(fleet: FaultFleet, cluster: Cluster, { name, module }: FaultNames): boolean {
  const nodes = fleet.look(cluster, CORE.node);
  const labels = nodes.flatMap(({ metadata }) => Object.keys(metadata.labels ?? {}));
  return (
    !fleet.look(cluster, RESOURCES.module).some(({ metadata }) => metadata.name === name) &&
    !fleet.look(cluster, CORE.daemonSet).some(isOf(name)) &&
    loaders(fleet, cluster, name).length === 0 &&
    !labels.some((label) => label.endsWith(`.${name}.ready`)) &&
    !nodes.some((node) => loadedOn(node).includes(module)) &&
    workOf(fleet, cluster, name) === undefined
  );
}

export function isForgotten({ look }: FaultFleet, name: string): boolean {
  const images = look<ModuleImage>('hub', RESOURCES.moduleImage);
  return !images.some(({ spec }) => spec.image.includes(`/${name}:`));
}

/** A user tries again while the API server is away. */
export async function patiently(act: () => Promise<unknown>): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(PAUSE_MS)) {
    try {
      await act();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}

export async function until(what: string, seen: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  // What cannot be asked was not seen.
  const isSeen = async () => await seen();
  while (!(await isSeen().catch(() => false))) {
    if (Date.now() > end) throw new Error(`${what}: not seen in ${PATIENCE_MS / 1_000} s`);
    await sleep(PAUSE_MS);
  }
}
