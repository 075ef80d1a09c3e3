import { setTimeout as sleep } from 'node:timers/promises';
import { isTrue, LABELS, type ManifestWork, type ModuleImage, RESOURCES } from '@kmm-fleet/api';
import { CORE, type KubeClient, type KubeObject, listAll } from '@kmm-fleet/runtime';
import { MODULES_ANNOTATION, pinsOf } from '../story/world.ts';
import { FAULT_KERNEL, type FaultFleet, faultModule } from './fault-fleet.ts';
import { planStrikes } from './plan-strikes.ts';

/** When the steps of a round began, for those who read the audit log afterwards. RFC 3339, by the clock of this machine. */
export interface Round {
  readonly name: string;
  readonly began: string;
  /** West does not want the module any more. */
  readonly westLeft: string;
  /** The module is deleted. */
  readonly deleted: string;
  readonly ended: string;
  /** Digests of the round's signed images, version by version. */
  readonly digests: readonly string[];
}

const PATIENCE_MS = 90_000;
const PAUSE_MS = 50;
const BOTH = ['east', 'west'] as const;

/** One life of a module on two clusters while things go wrong: shipped, changed, taken from west, deleted. */
export async function tellRound(
  fleet: FaultFleet,
  seed: number,
  module: string,
  options: { readonly isCalm?: boolean; readonly canRestart?: boolean } = {},
): Promise<Round> {
  const names = { name: `round-${seed}`, module };
  const { name } = names;
  const hub = fleet.client('hub');
  const strikes = options.isCalm ? [] : planStrikes(seed, 4, options.canRestart ?? false);
  const times: string[] = [];

  /** Does something, lets things go wrong meanwhile, and waits until what must come has come. */
  const step = async (
    number: number,
    act: () => Promise<unknown>,
    what: string,
    seen: () => Promise<boolean>,
  ) => {
    times.push(new Date().toISOString());
    const struck = (strikes[number] ?? []).map(async ({ atMs, strike }) => {
      await sleep(atMs);
      await fleet.strike(strike);
    });
    await patiently(act);
    await Promise.all(struck);
    await until(`seed ${seed}, step ${number + 1}: ${what}`, seen);
  };
  const put = async (version: 1 | 2) =>
    hub.apply(RESOURCES.managedClusterModule, faultModule(fleet, names, version), {
      fieldManager: 'user',
      force: true,
    });
  const label = (cluster: string, value: string | null) =>
    hub.mergePatch(
      RESOURCES.managedCluster,
      { name: cluster },
      { metadata: { labels: { [name]: value } } },
      {},
    );
  const digests: string[] = [];
  const isShipped = async (version: 1 | 2) => {
    const digest = await readyDigest(hub, `${fleet.images.registry}/${name}:v${version}`);
    if (!digest) return false;
    const all = await Promise.all(BOTH.map((cluster) => runs(fleet, cluster, names, digest)));
    if (all.includes(false)) return false;
    digests.push(digest);
    return true;
  };

  for (const cluster of BOTH) await patiently(() => label(cluster, 'wanted'));
  await step(
    0,
    () => put(1),
    'version 1 is loaded on both',
    () => isShipped(1),
  );
  await step(
    1,
    () => put(2),
    'version 2 is loaded on both',
    () => isShipped(2),
  );
  const pod = await loaderUid(fleet, 'east', name);
  await step(
    2,
    () => label('west', null),
    'west is empty',
    () => isEmpty(fleet, 'west', names),
  );
  const after = await loaderUid(fleet, 'east', name);
  if (after !== pod) throw new Error(`seed ${seed}: east's loader was replaced when west left`);
  await step(
    3,
    () => hub.delete(RESOURCES.managedClusterModule, { name }, {}),
    'everything is gone',
    async () => (await isEmpty(fleet, 'east', names)) && (await isForgotten(hub, name)),
  );
  const [began = '', , westLeft = '', deleted = ''] = times;
  return { name, began, westLeft, deleted, ended: new Date().toISOString(), digests };
}

async function readyDigest(hub: KubeClient, image: string): Promise<string | undefined> {
  const images = await listAll<ModuleImage>(hub, RESOURCES.moduleImage);
  const { status } = images.find(({ spec }) => spec.image === image) ?? {};
  return status?.state === 'Ready' ? status.digest : undefined;
}

/** The cluster's work pins this digest and is applied, its loader runs it, the kernel has it, and the label says so. */
async function runs(
  fleet: FaultFleet,
  cluster: 'east' | 'west',
  { name, module }: { readonly name: string; readonly module: string },
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

async function loaderUid(fleet: FaultFleet, cluster: 'east' | 'west', name: string) {
  return (await loaders(fleet, cluster, name))[0]?.metadata.uid;
}

/** Nothing of the module is left on the cluster, and its work is gone from the hub. */
async function isEmpty(
  fleet: FaultFleet,
  cluster: 'east' | 'west',
  { name, module }: { readonly name: string; readonly module: string },
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

async function isForgotten(hub: KubeClient, name: string): Promise<boolean> {
  const images = await listAll<ModuleImage>(hub, RESOURCES.moduleImage);
  return !images.some(({ spec }) => spec.image.includes(`/${name}:`));
}

/** A user tries again while the API server is away. */
async function patiently(act: () => Promise<unknown>): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(PAUSE_MS)) {
    try {
      await act();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}

async function until(what: string, seen: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await seen().catch(() => false))) {
    if (Date.now() > end) throw new Error(`${what}: not seen in ${PATIENCE_MS / 1_000} s`);
    await sleep(PAUSE_MS);
  }
}
