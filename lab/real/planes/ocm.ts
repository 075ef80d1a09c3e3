import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isTrue, type ManagedCluster, RESOURCES } from '@kmm-fleet/api';
import {
  systemClock as clock,
  createHttpTransport,
  createKubeClient,
  type KubeClient,
  systemRandom as random,
} from '@kmm-fleet/runtime';
import { allOver } from '../all-over.ts';
import { tailOf } from '../command.ts';
import { createKeeper } from '../keeper.ts';
import { freePort } from '../registry.ts';
import { type Defer, startAll } from '../start-all.ts';
import { buildGo, goModuleFolder } from './build-go.ts';
import { AGENT_NAMESPACE, AGENTS, type Agent, agentUser, type OcmModules } from './ocm-objects.ts';
import type { Plane } from './plane.ts';
import { ADMIN, type User } from './plane-access.ts';

/** OCM's own controllers and agents as processes. */
export interface Ocm {
  /** To an agent of a cluster. One that ends is started again. */
  signalAgent(cluster: string, agent: Agent, signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

export interface OcmOptions {
  readonly directory: string;
  readonly program: string;
  readonly hub: Plane;
  readonly clusters: readonly Plane[];
  /** Writes the kubeconfig by which an agent reaches its own cluster; by default it has a token that never ends. */
  readonly agentConfig?: ((cluster: Plane, agent: Agent) => Promise<string>) | undefined;
}

/** Users that a managed cluster's plane must know. */
export const AGENT_USERS: readonly User[] = AGENTS.map((agent) => ({
  name: agentUser(agent),
  groups: ['system:serviceaccounts', `system:serviceaccounts:${AGENT_NAMESPACE}`, 'system:authenticated'],
}));

const SOURCES = fileURLToPath(new URL('./ocm/', import.meta.url));
const JOIN_MS_MAX = 120_000;

/** Builds OCM's agents once, and says where the YAML of their modules is. */
export async function ocmProgram(
  progress: (line: string) => void,
): Promise<{ readonly program: string; readonly modules: OcmModules }> {
  const program = await buildGo({ name: 'ocm', what: 'Open Cluster Management', folder: SOURCES }, progress);
  const [ocm = '', api = ''] = await Promise.all(
    ['ocm', 'api'].map((name) => goModuleFolder(SOURCES, `open-cluster-management.io/${name}`)),
  );
  return { program, modules: { ocm, api } };
}

/** Starts registration and work agents for each cluster and waits until all have joined. */
export const startOcm = (options: OcmOptions): Promise<Ocm> =>
  startAll((defer) => startAgents(options, defer));

async function startAgents(
  { directory, program, hub, clusters, agentConfig = withToken }: OcmOptions,
  defer: Defer,
): Promise<Omit<Ocm, 'stop'>> {
  const keeper = createKeeper(directory);
  defer(() => keeper.stop());
  const keep = (name: string, args: readonly string[]) => keeper.keep(name, program, args);
  keep('registration-controller', [
    'registration-controller',
    `--kubeconfig=${hub.kubeconfig()}`,
    '--namespace=open-cluster-management-hub',
    '--feature-gates=ManagedClusterAutoApproval=true',
    `--auto-approved-csr-users=${ADMIN.name}`,
    ...(await common()),
  ]);
  await allOver(
    clusters.map(async (cluster) => {
      const credentials = join(directory, cluster.name);
      mkdirSync(credentials, { recursive: true });
      const own = [`--spoke-cluster-name=${cluster.name}`, `--namespace=${AGENT_NAMESPACE}`];
      keep(`${cluster.name}-registration`, [
        'registration-agent',
        ...own,
        `--kubeconfig=${await agentConfig(cluster, 'registration')}`,
        `--bootstrap-kubeconfig=${hub.kubeconfig()}`,
        `--hub-kubeconfig-dir=${credentials}`,
        ...(await common()),
      ]);
      const kubeconfig = join(credentials, 'kubeconfig');
      await untilThere(kubeconfig, join(directory, `${cluster.name}-registration.log`));
      keep(`${cluster.name}-work`, [
        'work-agent',
        ...own,
        `--kubeconfig=${await agentConfig(cluster, 'work')}`,
        '--workload-source-driver=kube',
        `--workload-source-config=${kubeconfig}`,
        `--agent-id=${cluster.name}`,
        '--status-sync-interval=5s',
        '--appliedmanifestwork-eviction-grace-period=1m',
        ...(await common()),
      ]);
    }),
  );
  await untilAvailable(hub, clusters);
  return { signalAgent: (cluster, agent, signal) => keeper.signal(`${cluster}-${agent}`, signal) };
}

const withToken = async (cluster: Plane, agent: Agent) => cluster.kubeconfig(agentUser(agent));

const common = async () => ['--disable-leader-election', `--listen=127.0.0.1:${await freePort()}`];

async function untilAvailable(hub: Plane, clusters: readonly Plane[]): Promise<void> {
  const transport = createHttpTransport(hub.connection());
  const client = createKubeClient({ transport, clock, random, userAgent: 'kmm-lab' });
  try {
    for (const { name } of clusters) {
      for (let waited = 0; !(await isAvailable(client, name)); waited += 100) {
        if (waited > JOIN_MS_MAX)
          throw new Error(`Cluster ${name} is not available on the hub after ${JOIN_MS_MAX / 1_000} s.`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  } finally {
    await transport.close();
  }
}

async function isAvailable(client: KubeClient, name: string): Promise<boolean> {
  const cluster = (await client.get(RESOURCES.managedCluster, { name })) as unknown as
    | ManagedCluster
    | undefined;
  return isTrue(cluster?.status?.conditions, 'ManagedClusterConditionAvailable');
}

async function untilThere(path: string, log: string): Promise<void> {
  for (let waited = 0; waited < JOIN_MS_MAX; waited += 100) {
    if (existsSync(path)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(
    `The cluster did not join in ${JOIN_MS_MAX / 1_000} s:\n${tailOf(readFileSync(log, 'utf8'), 15)}`,
  );
}
