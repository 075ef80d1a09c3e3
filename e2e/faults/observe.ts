import { setTimeout as sleep } from 'node:timers/promises';
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

const PATIENCE_MS = 90_000;
const PAUSE_MS = 250;

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

/** A user tries again while the API server is away. */
export async function patiently<T>(act: () => Promise<T>, endMs = Date.now() + PATIENCE_MS): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (Date.now() > endMs) throw error;
    }
    await sleep(PAUSE_MS);
  }
}

/** Whether it is seen; or what is not seen yet, which is nothing in the end. */
type Seen = boolean | readonly string[];

/**
 * Looks again and again.
 *
 * @param endMs of the patience, in milliseconds since the epoch
 * @throws {Error} that says what was not seen; its cause is what the last look failed with
 */
export async function until(
  what: string,
  look: () => Seen | Promise<Seen>,
  endMs = Date.now() + PATIENCE_MS,
): Promise<void> {
  const began = Date.now();
  for (;;) {
    const { isSeen, missing, cause } = await lookOnce(look);
    if (isSeen) return;
    if (Date.now() > endMs) {
      const waited = `${what}: not seen in ${Math.round((Date.now() - began) / 1_000)} s`;
      throw new Error([waited, ...missing].join('; '), { cause });
    }
    await sleep(PAUSE_MS);
  }
}

async function lookOnce(look: () => Seen | Promise<Seen>) {
  try {
    const seen = await look();
    const missing = typeof seen === 'boolean' ? [] : seen;
    return { isSeen: seen !== false && missing.length === 0, missing };
  } catch (cause) {
    // What cannot be asked was not seen.
    return { isSeen: false, missing: [], cause };
  }
}

/** @throws {Error} when something has not ended by then, which goes on all the same */
export async function inTime<T>(what: string, work: Promise<T>, endMs: number): Promise<T> {
  const over = new AbortController();
  const late = sleep(Math.max(0, endMs - Date.now()), undefined, { signal: over.signal }).then(() => {
    throw new Error(`${what}: it has not ended in time`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
  }
}
