import { loaderVersionLabel, type ModuleSpec, moduleVersionLabel, OPERATOR, RESOURCES } from '@kmm-fleet/api';
import { toYaml } from '@kmm-fleet/policies';
import { CORE, type KubeClient, type KubeObject, listAll, type ResourceType } from '@kmm-fleet/runtime';
import { upstreamWorld } from '../upstream/upstream-world.ts';
import { WIRE_CASES } from './wire-cases.ts';

export type WireWorld = Awaited<ReturnType<typeof upstreamWorld>>;

const namespace = OPERATOR.namespace;
/** Digests stand for images that are made anew for each run. */
const DIGEST = `sha256:${'0'.repeat(64)}`;
const TIME = '2027-01-01T00:00:00Z';
const QUIET_MS = 30_000;

/** Has hub and spoke of this version bring each case to its end. */
export async function recordWire(): Promise<ReadonlyMap<string, string>> {
  const recorded = new Map<string, string>();
  for (const [name, moduleSpec] of Object.entries(WIRE_CASES)) {
    const world = await wireWorld(name);
    world.startHub();
    world.startSpoke();
    await askFor(world, name, moduleSpec);
    await world.advance(QUIET_MS);
    recorded.set(name, await recordingOf(world, name));
    await world.stop();
  }
  return recorded;
}

/** What administrators do: the node is labelled for an ordered upgrade, and what Modules refer to is there. */
export async function wireWorld(name: string): Promise<WireWorld> {
  const world = await upstreamWorld();
  const node = { name: 'n1' };
  await world.until('the node', async () => (await world.user.get(CORE.node, node)) !== undefined);
  const labels = { [moduleVersionLabel(namespace, name)]: '1', [loaderVersionLabel(namespace, name)]: '1' };
  await world.user.mergePatch(CORE.node, node, { metadata: { labels } }, { fieldManager: 'admin' });
  await world.hub.create(CORE.secret, login(OPERATOR.hubNamespace));
  await world.user.create(CORE.secret, login(namespace));
  const loader = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'loader', namespace } };
  await world.user.create(CORE.serviceAccount, loader);
  return world;
}

const login = (within: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'kubernetes.io/dockerconfigjson',
  metadata: { name: 'pull', namespace: within },
  data: { '.dockerconfigjson': Buffer.from('{"auths":{}}').toString('base64') },
});

export async function askFor({ hub }: WireWorld, name: string, moduleSpec: ModuleSpec): Promise<void> {
  await hub.create(RESOURCES.managedClusterModule, {
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ManagedClusterModule',
    metadata: { name },
    spec: { spokeNamespace: namespace, selector: {}, moduleSpec },
  });
}

/** What a recording holds, read from a world. */
export async function wireOf({ hub, user }: WireWorld, name: string) {
  return {
    mcm: await find(hub, RESOURCES.managedClusterModule, { name }),
    work: await find(hub, RESOURCES.manifestWork, { namespace: 'one', name }),
    module: await find(user, RESOURCES.module, { namespace, name }),
    claims: await listAll(user, RESOURCES.clusterClaim),
  };
}

async function find(client: KubeClient, type: ResourceType, where: { name: string; namespace?: string }) {
  const found = await client.get(type, where);
  if (!found) throw new Error(`${type.kind} ${where.name} is not there`);
  return found;
}

async function recordingOf(world: WireWorld, name: string): Promise<string> {
  const { mcm, work, module, claims } = await wireOf(world, name);
  const { status: _, ...shipped } = work;
  const objects = [mcm, shipped as KubeObject, module, ...claims].map(portable);
  return objects
    .map(toYaml)
    .join('')
    .replaceAll(/sha256:[0-9a-f]{64}/g, DIGEST);
}

/** Without what an API server adds, and with one time for all. */
function portable({ metadata, ...rest }: KubeObject): KubeObject {
  const { name, namespace: within, labels } = metadata;
  const plain = {
    ...rest,
    metadata: { name, ...(within && { namespace: within }), ...(labels && { labels }) },
  };
  const text = JSON.stringify(plain, (key, value: unknown) => (key === 'lastTransitionTime' ? TIME : value));
  return JSON.parse(text) as KubeObject;
}
