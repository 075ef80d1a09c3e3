import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KERNEL_CLAIM, LABELS, type ManifestWork, RESOURCES } from '@kmm-fleet/api';
import { createRegistry, createRegistryTransport } from '@kmm-fleet/images';
import { pushImage } from '@kmm-fleet/images/testing';
import {
  accountUser,
  type Defer,
  installObjects,
  makeServerCertificates,
  ocmStandIns,
  type Plane,
  planePrograms,
  startAll,
  startPlane,
  startRegistry,
} from '@kmm-fleet/lab';
import { type Access, accessObjects, editions, groundObjects, hubAccess, userOf } from '@kmm-fleet/policies';
import {
  CORE,
  systemClock as clock,
  createCache,
  createHttpTransport,
  createKubeClient,
  type KubeClient,
  systemRandom as random,
  silentLog,
} from '@kmm-fleet/runtime';
import { bundleOperator } from '../bundle.ts';
import { module } from '../fleet.ts';
import { type RunningOperator, startOperator } from '../operator.ts';
import { AUDIT_BODIES } from './image-first.ts';

/** Settings of a hub that differ from those of its image. */
export type HubSettings = Readonly<Record<string, string>>;

/** A real API server with a fleet of clusters that are only objects, and a real registry. */
export interface BenchFleet {
  readonly plane: Plane;
  /** The administrator, in whose name clusters report too. */
  readonly user: KubeClient;
  /** May write works and nothing else, and waits in the same queues of the server as a hub. */
  readonly writer: KubeClient;
  readonly clusters: readonly string[];
  /** A hub with the rights of its own account. */
  startHub(env?: HubSettings): RunningOperator;
  /** Pushes other contents under a tag. */
  pushImage(tag: string, contents: string): Promise<string>;
  /** A module with an image of this tag. */
  module(tag: string, name?: string): ReturnType<typeof module>;
  /** Works of all modules, as a watch tells them. */
  works(): readonly ManifestWork[];
  stop(): Promise<void>;
}

/** In flight, as many as the hub has. */
const PARALLEL = 64;
const LOGIN = { username: 'kmm', password: 'bench' };
const WRITER: Access = {
  name: 'plain-writer',
  account: { namespace: 'default', name: 'plain-writer' },
  cluster: [
    {
      apiGroups: [RESOURCES.manifestWork.group],
      resources: [RESOURCES.manifestWork.plural],
      verbs: ['create', 'patch'],
    },
    {
      apiGroups: [RESOURCES.managedClusterModule.group],
      resources: [`${RESOURCES.managedClusterModule.plural}/finalizers`],
      verbs: ['update'],
    },
  ],
  own: [],
};

export const startBenchFleet = (count: number, progress: (line: string) => void): Promise<BenchFleet> =>
  startAll((defer) => startParts(count, progress, defer));

async function startParts(
  count: number,
  progress: (line: string) => void,
  defer: Defer,
): Promise<Omit<BenchFleet, 'stop'>> {
  const directory = mkdtempSync(join(tmpdir(), 'kmm-bench-'));
  defer(() => rmSync(directory, { recursive: true, force: true }));
  const certificates = await makeServerCertificates(directory);
  const plane = await startPlane({
    name: 'hub',
    directory,
    certificates,
    programs: await planePrograms(progress),
    users: [hubAccess, WRITER].map(accountUser),
    auditBodies: AUDIT_BODIES,
  });
  defer(() => plane.stop());
  const registryServer = await startRegistry({
    directory,
    storage: join(directory, 'registry'),
    certificate: certificates.server,
    ...LOGIN,
  });
  defer(() => registryServer.stop());
  const { address } = registryServer;
  const dockerConfig = JSON.stringify({ auths: { [address]: LOGIN } });
  const ca = readFileSync(certificates.ca, 'utf8');
  const registry = createRegistry({ transport: createRegistryTransport(ca), clock, random });
  const { client: user, close: closeUser } = connect(plane);
  const { client: writer, close: closeWriter } = connect(plane, userOf(WRITER));
  defer(() => Promise.all([closeUser(), closeWriter()]));
  const access = [hubAccess, WRITER].flatMap(accessObjects);
  await installObjects(user, [...ocmStandIns([]), ...groundObjects(editions.hub), ...access], clock);
  await user.create(CORE.secret, pullSecret(dockerConfig));
  progress(`making ${count} clusters`);
  const clusters = Array.from({ length: count }, (_, index) => `c${index}`);
  await inParallel(clusters, async (name) => {
    await user.create(CORE.namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await joinCluster(user, name);
  });
  const hubConfig = plane.kubeconfig(userOf(hubAccess));
  const program = await bundleOperator('hub', join(directory, 'programs'));
  const watching = new AbortController();
  defer(() => watching.abort());
  const works = await watchWorks(user, watching.signal);

  return {
    plane,
    user,
    writer,
    clusters,
    startHub: (env = {}) =>
      startOperator(
        program,
        {
          KUBECONFIG: hubConfig,
          KMM_REGISTRY_CA_FILE: certificates.ca,
          KMM_BUILD_DIR: join(directory, 'builds'),
          ...env,
        },
        join(directory, 'hub.log'),
      ),
    pushImage: (tag, contents) =>
      pushImage(registry, `${address}/kmod:${tag}`, { dockerConfig }, { '/opt/contents': contents }),
    module: (tag, name = 'kmod') => moduleWith(name, `${address}/kmod:${tag}`),
    works: () => [...works.all()],
  };
}

function connect(plane: Plane, name?: string) {
  const transport = createHttpTransport(plane.connection(name));
  const client = createKubeClient({ transport, clock, random, userAgent: 'bench' });
  return { client, close: () => transport.close() };
}

/** A list of them all costs the server a second of CPU, and that would be measured too. */
async function watchWorks(client: KubeClient, signal: AbortSignal) {
  const works = createCache<ManifestWork>({
    client,
    clock,
    random,
    log: silentLog,
    type: RESOURCES.manifestWork,
    labelSelector: LABELS.managedClusterModule,
    transform: (work) => work as unknown as ManifestWork,
  });
  void works.run(signal);
  await works.whenSynced();
  return works;
}

/** Runs tasks with a bounded number in flight. */
export async function inParallel<T>(items: readonly T[], task: (item: T) => Promise<unknown>): Promise<void> {
  const waiting = [...items].reverse();
  const worker = async () => {
    for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) await task(item);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

/** Its namespace is another matter. */
export async function joinCluster(user: KubeClient, name: string): Promise<void> {
  const [, cluster] = ocmStandIns([{ name, labels: { site: 'edge' }, nodes: [] }]).slice(-2);
  if (!cluster) throw new RangeError('a cluster is an object');
  await user.create(RESOURCES.managedCluster, cluster);
  await claimKernel(user, name, '6.1.0-1-amd64');
}

/** What the spoke of a cluster and OCM's agent tell the hub. */
export async function claimKernel(user: KubeClient, name: string, value: string | undefined): Promise<void> {
  const clusterClaims = value ? [{ name: KERNEL_CLAIM, value }] : [];
  const status = { clusterClaims, conditions: [], version: {} };
  await user.mergePatch(RESOURCES.managedCluster, { name }, { status }, { subresource: 'status' });
}

function moduleWith(name: string, containerImage: string): ReturnType<typeof module> {
  const kernelMappings = [{ regexp: '^.+$', containerImage }];
  const object = module({ modprobe: { moduleName: name }, kernelMappings });
  const spec = object['spec'] as { moduleSpec: object };
  const moduleSpec = { ...spec.moduleSpec, imageRepoSecret: { name: 'pull' } };
  return { ...object, metadata: { name }, spec: { ...spec, moduleSpec } };
}

function pullSecret(dockerConfig: string) {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'pull', namespace: 'openshift-kmm-hub' },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': Buffer.from(dockerConfig).toString('base64') },
  };
}
