import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  demoFolder,
  manifestValues,
  readObjects,
  type Supervised,
  spokeObjects,
  supervise,
  toolkits,
  writeManifests,
} from '@kmm-fleet/cli';
import {
  createBuildah,
  createRegistry,
  createRegistryTransport,
  readSigningPair,
  type SigningPair,
} from '@kmm-fleet/images';
import {
  allOver,
  type Defer,
  findLabKernels,
  freePort,
  GUEST_PROGRAMS,
  type Guest,
  HOST,
  installObjects,
  installPrograms,
  type LabKernels,
  makeBaseImages,
  makeServerCertificates,
  operatorUser,
  PACKAGES,
  type Plane,
  prepareGuestDisk,
  runCommand,
  startAll,
  startGuest,
  startRealFleet,
  startRegistry,
  TEST_KEY,
  unmountBelow,
  writeKubeconfig,
} from '@kmm-fleet/lab';
import { editions, typeOf } from '@kmm-fleet/policies';
import {
  systemClock as clock,
  type KubeClient,
  type KubeObject,
  systemRandom as random,
  silentLog,
} from '@kmm-fleet/runtime';
import {
  type Installed,
  installedOperator,
  makeOperator,
  pushOperator,
  uninstallOperator,
} from './installed-operator.ts';
import type { ImageBench } from './test-modules.ts';

/** A hub and one cluster, `east`, on real control planes; the cluster's nodes are virtual machines. */
export interface KernelFleet {
  readonly kernels: LabKernels;
  readonly hub: KubeClient;
  readonly east: KubeClient;
  /** Without Secure Boot, on the common kernel. */
  readonly plain: Guest;
  /** With Secure Boot, on the edge kernel. */
  readonly secure: Guest;
  /** For files of a test; goes with the fleet. */
  readonly directory: string;
  /** What a user applies to the hub, in order; the key is {@link trusted}. */
  readonly manifests: readonly KubeObject[];
  /** Whose signatures `secure` accepts. */
  readonly trusted: SigningPair;
  /** To make images that the operator does not make. */
  readonly bench: ImageBench;
  /** ConfigMap that tells operators which toolkit image serves which kernels. */
  readonly toolkits: KubeObject;
  /** Runs the operator of `east` so, in place of the one that ran. */
  operate(how: Operation): Promise<void>;
  stop(): Promise<void>;
}

const NODES = ['plain', 'secure'] as const;
const CLUSTER = 'east';
const LOGIN = { username: 'kmm', password: 's3cret' };
const nodeUser = (name: string) => ({ name: `system:node:${name}`, groups: ['system:nodes'] });

/**
 * What the operator of `east` is: a spoke, or one without a hub, as a process of this machine, which runs Node.js many
 * times as fast; or what is installable, in a pod of `secure`.
 */
export type Operation = 'spoke' | 'standalone' | 'installed';

/** The spoke as people install it. */
export const SPOKE: Installed = { edition: editions.spoke, image: 'kmm-spoke' };

/**
 * Starts all but the operator of `east`, and resolves when the machines run; their nodes join meanwhile.
 *
 * @param installable what can be installed in the cluster
 */
export const startKernelFleet = (
  progress: (line: string) => void,
  installable?: Installed,
): Promise<KernelFleet> => startAll((defer) => startParts(progress, installable, defer));

async function startParts(
  progress: (line: string) => void,
  installable: Installed | undefined,
  defer: Defer,
): Promise<Omit<KernelFleet, 'stop'>> {
  await installPrograms(
    [...(Object.keys(PACKAGES) as (keyof typeof PACKAGES)[]), ...GUEST_PROGRAMS],
    progress,
  );
  const directory = mkdtempSync(join(tmpdir(), 'kmm-kernel-'));
  defer(() => {
    unmountBelow(directory);
    if (!process.env['KMM_KEEP']) rmSync(directory, { recursive: true, force: true });
  });
  const certificates = await makeServerCertificates(directory);
  const kernels = await findLabKernels();
  const bases = await makeBaseImages(kernels, certificates, demoFolder('source'), progress);
  const operatorImages = installable && (await makeOperator(installable, progress));
  const unpacked = [bases.sandbox, ...(operatorImages ? [await operatorImages.base(installable.image)] : [])];
  const disk = await prepareGuestDisk([kernels.common, kernels.edge], unpacked, progress);
  const storage = join(directory, 'registry');
  cpSync(bases.storage, storage, { recursive: true });
  const registry = await startRegistry({ directory, storage, certificate: certificates.server, ...LOGIN });
  defer(() => registry.stop());
  const ca = readFileSync(certificates.ca, 'utf8');
  const kubelets = { plain: await freePort(), secure: await freePort() };
  const guest = (east: Plane, name: (typeof NODES)[number], kernel: string) =>
    startGuest({
      setting: {
        name,
        server: east.url.replace('127.0.0.1', HOST),
        token: east.token(nodeUser(name).name),
        ca,
        registry: registry.address,
      },
      disk,
      kernel,
      secureBoot: name === 'secure',
      kubeletPort: kubelets[name],
      directory,
    });
  /** The clusters join while they boot. */
  const guests: Promise<Guest>[] = [];
  defer(async () => {
    const started = (await Promise.allSettled(guests)).filter((each) => each.status === 'fulfilled');
    await allOver(started.map(({ value }) => value.stop()));
  });
  const fleet = await startRealFleet({
    clock,
    random,
    log: silentLog,
    registryTransport: createRegistryTransport(ca),
    clusters: [{ name: CLUSTER, nodes: [] }],
    users: NODES.map(nodeUser),
    kubelets: new Map(Object.entries(kubelets)),
    certificates,
    directory,
    progress,
    planeIsUp(plane) {
      if (plane.name !== CLUSTER) return;
      progress('virtual machines start');
      guests.push(guest(plane, 'plain', kernels.common), guest(plane, 'secure', kernels.edge));
      // Whoever waits for them is told; until then nobody does.
      for (const each of guests) each.catch(() => {});
    },
  });
  defer(() => fleet.stop());
  const stop = new AbortController();
  const neighbours = fleet.run(stop.signal);
  defer(() => {
    stop.abort();
    return neighbours;
  });
  const east = fleet.clusters.get(CLUSTER) as Plane;

  const pair = await testPair();
  const values = manifestValues({ registry, runtime: bases.runtime, ...pair });
  const manifests = writeManifests(join(directory, 'manifests'), values).flatMap((path) =>
    readObjects(readFileSync(path, 'utf8')),
  );
  const toolkit = `${registry.address}/${bases.toolkit}`;
  await apply(fleet.client('hub'), [toolkits(toolkit)]);
  await apply(fleet.client(CLUSTER), spokeObjects(values));
  const operate = (room: 'hub' | 'spoke', plane: Plane, more: Record<string, string> = {}): Supervised => {
    const { name, url } = plane;
    const kubeconfig = join(directory, `${name}-operator.kubeconfig`);
    const token = plane.token(operatorUser(plane));
    writeKubeconfig(kubeconfig, certificates.ca, [{ name, server: url, token }]);
    const env = {
      KUBECONFIG: kubeconfig,
      KMM_REGISTRY_CA_FILE: certificates.ca,
      KMM_BUILD_DIR: join(directory, `${name}-builds`),
      ...more,
    };
    return supervise(room, env, join(directory, `${name}-operator.log`));
  };
  const operatorOfHub = operate('hub', fleet.hub);
  let ofEast: Supervised | undefined;
  defer(() => allOver([operatorOfHub.stop(), ofEast?.stop() ?? Promise.resolve()]));
  const install = async () => {
    if (!operatorImages) throw new RangeError('Nothing was named that can be installed.');
    const image = await pushOperator(operatorImages, installable.image, registry, certificates.ca);
    const place = { server: east.url, node: 'secure', ca };
    const { first, deployment } = installedOperator(installable.edition, image, place);
    await installObjects(fleet.client(CLUSTER), first, clock);
    await apply(fleet.client(CLUSTER), [deployment]);
  };
  const [plain, secure] = (await allOver(guests)) as [Guest, Guest];
  return {
    kernels,
    hub: fleet.client('hub'),
    east: fleet.client(CLUSTER),
    plain,
    secure,
    directory,
    manifests,
    trusted: signingPair(pair),
    toolkits: toolkits(toolkit),
    bench: {
      registry: createRegistry({ transport: createRegistryTransport(ca), clock, random }),
      builder: createBuildah({ directory: join(directory, 'bench'), ca }),
      access: { dockerConfig: JSON.stringify({ auths: { [registry.address]: LOGIN } }) },
      address: registry.address,
      toolkit,
      runtime: `${registry.address}/${bases.runtime}`,
    },
    async operate(how) {
      await ofEast?.stop();
      ofEast = undefined;
      await uninstallOperator(fleet.client(CLUSTER));
      if (how === 'installed') await install();
      else ofEast = operate('spoke', east, how === 'spoke' ? { KMM_MANAGED: '1' } : {});
    },
  };
}

/** As a user applies files. */
export async function apply(client: KubeClient, objects: readonly KubeObject[]): Promise<void> {
  for (const object of objects)
    await client.apply(typeOf(object), object, { fieldManager: 'user', force: true });
}

/** The key pair that firmware for tests trusts. */
async function testPair(): Promise<{ readonly key: Buffer; readonly certificate: Buffer }> {
  const { key, password, certificate } = TEST_KEY;
  const plain = await runCommand('openssl', ['rsa', '-in', key, '-passin', `pass:${password}`]);
  return { key: Buffer.from(plain), certificate: readFileSync(certificate) };
}

function signingPair({ key, certificate }: Awaited<ReturnType<typeof testPair>>): SigningPair {
  const read = readSigningPair({ secret: 'key', bytes: key }, { secret: 'cert', bytes: certificate });
  if (!read.ok) throw new Error(read.findings[0]?.message);
  return read.value;
}
