import { setTimeout as sleep } from 'node:timers/promises';
import { isTrue, LABELS, type ManifestWork, type ModuleImage, RESOURCES } from '@kmm-fleet/api';
import { CORE, type KubeClient, type KubeObject, listAll } from '@kmm-fleet/runtime';
import { MODULES_ANNOTATION, pinsOf } from '../story/world.ts';
import { FAULT_KERNEL, type FaultFleet } from './fault-fleet.ts';

/** A ManagedClusterModule of the fleet, and the kernel module that it loads. */
export interface FaultNames {
  readonly name: string;
  readonly module: string;
}

const PATIENCE_MS = 90_000;
/** Seldom enough that looking costs control planes little beside what they are looked at for. */
const PAUSE_MS = 250;

export async function readyDigest(hub: KubeClient, image: string): Promise<string | undefined> {
  const images = await listAll<ModuleImage>(hub, RESOURCES.moduleImage);
  const { status } = images.find(({ spec }) => spec.image === image) ?? {};
  return status?.state === 'Ready' ? status.digest : undefined;
}

/** The cluster's work pins this digest and is applied, its loader runs it, the kernel has it, and the label says so. */
export async function runs(
  fleet: FaultFleet,
  cluster: 'east' | 'west',
  { name, module }: FaultNames,
  digest: string,
): Promise<boolean> {
  const work = (await fleet
    .client('hub')
    .get(RESOURCES.manifestWork, { namespace: cluster, name })) as unknown as ManifestWork | undefined;
  const pods = await loaders(fleet, cluster, name);
  const [node] = await listAll(fleet.client(cluster), CORE.node);
  const images = pods.flatMap(({ spec }) => (spec as { containers: { image: string }[] }).containers);
  return (
    pinsOf(work)[FAULT_KERNEL]?.endsWith(`@${digest}`) === true &&
    isTrue(work?.status?.conditions, 'Applied') &&
    images.length === 1 &&
    images[0]?.image.endsWith(`@${digest}`) === true &&
    loadedOn(node).includes(module) &&
    Object.keys(node?.metadata.labels ?? {}).some((key) => key.endsWith(`.${name}.ready`))
  );
}

const loadedOn = (node: KubeObject | undefined): string[] =>
  (node?.metadata.annotations?.[MODULES_ANNOTATION] ?? '').split(',');

const loaders = (fleet: FaultFleet, cluster: 'east' | 'west', name: string) =>
  listAll(fleet.client(cluster), CORE.pod, { labelSelector: `${LABELS.moduleName}=${name}` });

export async function loaderUid(fleet: FaultFleet, cluster: 'east' | 'west', name: string) {
  return (await loaders(fleet, cluster, name))[0]?.metadata.uid;
}

/** Nothing of the module is left on the cluster, and its work is gone from the hub. */
export async function isEmpty(
  fleet: FaultFleet,
  cluster: 'east' | 'west',
  { name, module }: FaultNames,
): Promise<boolean> {
  const client = fleet.client(cluster);
  const ours = ({ metadata }: KubeObject) => metadata.name === name;
  const [modules, sets, pods, nodes, work] = await Promise.all([
    listAll(client, RESOURCES.module),
    listAll(client, CORE.daemonSet, { labelSelector: `${LABELS.moduleName}=${name}` }),
    loaders(fleet, cluster, name),
    listAll(client, CORE.node),
    fleet.client('hub').get(RESOURCES.manifestWork, { namespace: cluster, name }),
  ]);
  const labels = nodes.flatMap(({ metadata }) => Object.keys(metadata.labels ?? {}));
  return (
    modules.filter((module) => ours(module as unknown as KubeObject)).length + sets.length + pods.length ===
      0 &&
    !labels.some((label) => label.endsWith(`.${name}.ready`)) &&
    !nodes.some((node) => loadedOn(node).includes(module)) &&
    work === undefined
  );
}

export async function isForgotten(hub: KubeClient, name: string): Promise<boolean> {
  const images = await listAll<ModuleImage>(hub, RESOURCES.moduleImage);
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

export async function until(what: string, seen: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await seen().catch(() => false))) {
    if (Date.now() > end) throw new Error(`${what}: not seen in ${PATIENCE_MS / 1_000} s`);
    await sleep(PAUSE_MS);
  }
}
