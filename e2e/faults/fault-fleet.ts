import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Supervised, supervise } from '@kmm-fleet/cli';
import { createRegistry, createRegistryTransport } from '@kmm-fleet/images';
import { createFakeBuilder, testPair } from '@kmm-fleet/images/testing';
import {
  type Agent,
  agentAccount,
  type Defer,
  type FaultProxy,
  isWatch,
  makeServerCertificates,
  type Plane,
  startAll,
  startRealFleet,
  startRegistry,
} from '@kmm-fleet/lab';
import { hubAccess, spokeAccess } from '@kmm-fleet/policies';
import {
  CORE,
  systemClock as clock,
  createLimiter,
  type KubeClient,
  type KubeObject,
  systemRandom as random,
  silentLog,
} from '@kmm-fleet/runtime';
import type { AccountTokens } from './account-tokens.ts';
import { renewCertificate } from './agent-certificate.ts';
import { type LogIn, logIn } from './log-in.ts';
import { type OperatorClock, operatorClock } from './operator-clock.ts';
import type { Strike, Victim } from './plan-strikes.ts';
import { type Look, watchPlanes } from './watch-planes.ts';

/** A fleet of real processes on real control planes, each operator behind a proxy, whose parts can be struck. */
export interface FaultFleet {
  client(name: Victim): KubeClient;
  /** As last watched, which costs the plane nothing. */
  readonly look: Look;
  plane(name: Victim): Plane;
  proxy(name: Victim | 'standby'): FaultProxy;
  /** The registry, and the unsigned images that are in it. */
  readonly images: { readonly registry: string; readonly unsigned: readonly string[] };
  /** The hub and the spokes; `standby` is the second hub. */
  operator(name: Victim | 'standby'): Supervised;
  tokens(name: Victim | 'standby'): AccountTokens;
  /** To an agent of OCM on a cluster. One that ends is started again. */
  signalAgent(cluster: string, agent: Agent, signal: NodeJS.Signals): void;
  /** Lets it happen; resolves when what was killed is there again. */
  strike(strike: Strike): Promise<void>;
  stop(): Promise<void>;
}

export const FAULT_KERNEL = '6.1.0-55-cloud-amd64';
/**
 * In every image. A round has one for itself, and so many that minutes pass until it has another: a controller or an agent
 * that was behind may make a loader once more after the end, which would unload the module of the next round.
 */
export const FAULT_MODULES = Array.from({ length: 32 }, (_, index) => `kmm_faults_${index}`);
const LOGIN = { username: 'kmm', password: 's3cret' };
const NAMESPACES: Readonly<Record<Victim, string>> = {
  hub: 'openshift-kmm-hub',
  east: 'openshift-kmm',
  west: 'openshift-kmm',
};
const PULL_SECRET = 'pull';

/** Faults that wait for the end of a first answer, which that of a watch has not. */
const NEEDS_AN_END: ReadonlySet<string> = new Set(['twice', 'cut-after']);

/**
 * Starts hub, east and west with one Secure Boot node each, and pushes two versions of an unsigned module.
 *
 * @param standbySkewMs starts a second hub, whose clock is so far ahead; then both work under a lease
 */
export const startFaultFleet = (
  progress: (line: string) => void,
  options: { readonly standbySkewMs?: number } = {},
): Promise<FaultFleet> => startAll((defer) => startParts(progress, options, defer));

async function startParts(
  progress: (line: string) => void,
  { standbySkewMs }: { readonly standbySkewMs?: number },
  defer: Defer,
): Promise<Omit<FaultFleet, 'stop'>> {
  const directory = mkdtempSync(join(tmpdir(), 'kmm-faults-'));
  defer(() => rmSync(directory, { recursive: true, force: true }));
  const certificates = await makeServerCertificates(directory);
  const server = await startRegistry({
    directory,
    storage: join(directory, 'registry'),
    certificate: certificates.server,
    ...LOGIN,
  });
  defer(() => server.stop());
  const { address } = server;
  const ca = readFileSync(certificates.ca, 'utf8');
  const registryTransport = createRegistryTransport(ca);
  const dockerConfig = JSON.stringify({ auths: { [address]: LOGIN } });
  const unsigned = await pushModules(address, dockerConfig, ca);
  const trusted = [testPair('rsa').certificate];
  const cluster = (name: string) => ({
    name,
    nodes: [
      { name: `${name}-1`, kernel: FAULT_KERNEL, secureBoot: true, trusted, labels: { driver: 'wanted' } },
    ],
  });
  const agents = new Map<string, LogIn>();
  const agentConfig = async (plane: Plane, agent: Agent, client: KubeClient) => {
    const account = agentAccount(agent);
    const serviceAccount = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account };
    await client.create(CORE.serviceAccount, serviceAccount);
    const name = `${plane.name}-${agent}`;
    const login = await logIn({ name, plane, account, client, directory, certificates }, defer);
    agents.set(name, login);
    return login.kubeconfig;
  };
  const fleet = await startRealFleet({
    clock,
    random,
    log: silentLog,
    registryTransport,
    clusters: [cluster('east'), cluster('west')],
    certificates,
    directory,
    progress,
    // Beside a second hub nothing strikes agents.
    ...(standbySkewMs === undefined && { agentConfig }),
  });
  defer(() => fleet.stop());
  const stop = new AbortController();
  const nodes = fleet.run(stop.signal);
  defer(() => {
    stop.abort();
    return nodes;
  });
  const planes = new Map<string, Plane>([['hub', fleet.hub], ...fleet.clusters]);
  const plane = (name: Victim) => planes.get(name) as Plane;
  await putSecrets(fleet.client, dockerConfig);
  const look = await watchPlanes(fleet.client, stop.signal);

  const operators = new Map<string, Supervised>();
  const logins = new Map<string, LogIn>();
  const clocks = new Map<string, OperatorClock>();
  const hasStandby = standbySkewMs !== undefined;
  const startOperator = async (name: Victim | 'standby', more: Readonly<Record<string, string>>) => {
    const server = name === 'standby' ? 'hub' : name;
    const { account } = server === 'hub' ? hubAccess : spokeAccess;
    const own = { name: `${name}-operator`, plane: plane(server), account, client: fleet.client(server) };
    const login = await logIn({ ...own, directory, certificates }, defer);
    logins.set(name, login);
    const skewed = operatorClock(
      join(directory, `${name}-operator.clock`),
      name === 'standby' ? standbySkewMs : 0,
    );
    clocks.set(name, skewed);
    const env = {
      ...skewed.env,
      KUBECONFIG: login.kubeconfig,
      KMM_REGISTRY_CA_FILE: certificates.ca,
      ...more,
    };
    const room = server === 'hub' ? 'hub' : 'spoke';
    const log = join(directory, `${name}-operator.log`);
    const operator = supervise(room, env, log);
    defer(() => operator.stop());
    operators.set(name, operator);
  };
  const asHub = { LEADER_ELECTION: String(hasStandby), KMM_BUILD_DIR: join(directory, 'builds') };
  await startOperator('hub', asHub);
  for (const name of ['east', 'west'] as const)
    await startOperator(name, { LEADER_ELECTION: 'false', KMM_MANAGED: '1' });
  if (hasStandby) await startOperator('standby', asHub);
  const proxy = (name: Victim | 'standby') => (logins.get(name) as LogIn).proxy;

  const ofAgent = ({ of, agent }: Strike & { readonly agent: Agent }) =>
    (agents.get(`${of}-${agent}`) as LogIn).tokens;
  const renewals = createLimiter(1);
  // Two at once would start a part twice.
  const restarts = createLimiter(1);
  const restart = (of: Victim, part: 'kube-apiserver' | 'etcd') =>
    restarts.run(async () => {
      await plane(of).kill(part);
      await plane(of).start(part);
    });
  return {
    client: fleet.client,
    look,
    plane,
    proxy,
    operator: (name) => operators.get(name) as Supervised,
    tokens: (name) => (logins.get(name) as LogIn).tokens,
    signalAgent: fleet.ocm.signalAgent,
    images: { registry: address, unsigned },
    async strike(strike) {
      const { of } = strike;
      if (strike.what === 'kill operator') operators.get(of)?.kill();
      if (strike.what === 'set clock') await clocks.get(of)?.set(strike.aheadMs);
      if (strike.what === 'rotate token') await logins.get(of)?.tokens.rotate();
      if (strike.what === 'end token') await logins.get(of)?.tokens.end(strike.forMs);
      if (strike.what === 'rotate agent token') await ofAgent(strike).rotate();
      if (strike.what === 'replace agent') {
        await ofAgent(strike).end(strike.forMs);
        fleet.ocm.signalAgent(of, strike.agent, 'SIGKILL');
      }
      if (strike.what === 'renew certificate')
        await renewals.run(() => renewCertificate(of, fleet.client('hub'), fleet.client(of)));
      if (strike.what === 'cut operator') proxy(of).cutAll();
      if (strike.what === 'stall watches') await proxy(of).stallWatches(strike.forMs);
      if (strike.what === 'compact') await plane(of).compact();
      if (strike.what === 'kill work agent') fleet.ocm.signalAgent(of, 'work', 'SIGKILL');
      if (strike.what === 'kill kube-apiserver') await restart(of, 'kube-apiserver');
      if (strike.what === 'kill etcd') await restart(of, 'etcd');
      if (strike.what !== 'requests') return;
      const takeBack = proxy(of).addFault((request) =>
        NEEDS_AN_END.has(strike.fault.kind) && isWatch(request) ? undefined : strike.fault,
      );
      await sleep(strike.forMs);
      takeBack();
    },
  };
}

async function pushModules(address: string, dockerConfig: string, ca: string): Promise<string[]> {
  const registry = createRegistry({ transport: createRegistryTransport(ca), clock, random });
  const builder = createFakeBuilder(registry);
  const targets = ['v1', 'v2'].map((version) => `${address}/unsigned:${version}`);
  for (const target of targets)
    await builder.build({
      dockerfile: [
        `# ${target}`,
        ...FAULT_MODULES.map((name) => `# module ${JSON.stringify({ name })}`),
      ].join('\n'),
      buildArgs: { KERNEL_FULL_VERSION: FAULT_KERNEL },
      secrets: [],
      target,
      labels: {},
      baseAccess: { dockerConfig },
      targetAccess: { dockerConfig },
    });
  return targets;
}

async function putSecrets(client: (name: string) => KubeClient, dockerConfig: string): Promise<void> {
  const put = (name: Victim, secret: string, type: string, data: Record<string, string | Buffer>) =>
    client(name).create(CORE.secret, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: NAMESPACES[name], name: secret },
      type,
      data: Object.fromEntries(
        Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
      ),
    });
  for (const name of ['hub', 'east', 'west'] as const)
    await put(name, PULL_SECRET, 'kubernetes.io/dockerconfigjson', { '.dockerconfigjson': dockerConfig });
  const { keyPem, certPem } = testPair('rsa');
  await put('hub', 'signing-key', 'Opaque', { key: keyPem });
  await put('hub', 'signing-cert', 'Opaque', { cert: certPem });
}

/** The module of one round: signed under a tag of its own, wanted by clusters with a label of its own. */
export function faultModule(
  { images: { registry, unsigned } }: FaultFleet,
  { name, module }: { readonly name: string; readonly module: string },
  version: 1 | 2,
): KubeObject {
  return {
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ManagedClusterModule',
    metadata: { name },
    spec: {
      spokeNamespace: NAMESPACES.east,
      selector: { [name]: 'wanted' },
      moduleSpec: {
        imageRepoSecret: { name: PULL_SECRET },
        selector: { driver: 'wanted' },
        moduleLoader: {
          container: {
            modprobe: { moduleName: module },
            kernelMappings: [
              {
                regexp: '^.+$',
                containerImage: `${registry}/${name}:v${version}`,
                sign: {
                  unsignedImage: unsigned[version - 1],
                  keySecret: { name: 'signing-key' },
                  certSecret: { name: 'signing-cert' },
                  filesToSign: [`/opt/lib/modules/\${KERNEL_FULL_VERSION}/${module}.ko`],
                },
              },
            ],
          },
        },
      },
    },
  };
}
