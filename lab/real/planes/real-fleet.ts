import { RESOURCES } from '@kmm-fleet/api';
import {
  type Access,
  accessObjects,
  editions,
  groundObjects,
  hubAccess,
  spokeAccess,
  userOf,
  workAgentAccess,
} from '@kmm-fleet/policies';
import {
  CORE,
  createHttpTransport,
  createKubeClient,
  type KubeClient,
  type KubeObject,
  sleep,
} from '@kmm-fleet/runtime';
import { type FleetOptions, installObjects, joinFleet } from '../../fleet/index.ts';
import { allOver } from '../all-over.ts';
import type { ServerCertificates } from '../certificates.ts';
import { type Defer, startAll } from '../start-all.ts';
import type { KubeletPorts } from './node-tunnel.ts';
import { AGENT_USERS, type Ocm, ocmProgram, startOcm } from './ocm.ts';
import { type Agent, ocmHubObjects, ocmSpokeObjects } from './ocm-objects.ts';
import type { Plane } from './plane.ts';
import type { User } from './plane-access.ts';
import { planePrograms } from './program.ts';
import { startPlane } from './start-plane.ts';

/** A hub and clusters on real control planes with OCM's agents, our objects and rights installed; nodes are simulated. */
export interface RealFleet {
  readonly hub: Plane;
  readonly clusters: ReadonlyMap<string, Plane>;
  readonly ocm: Ocm;
  /** The administrator of the hub or of a cluster. */
  client(name: string): KubeClient;
  /** Nodes at work, until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

export interface RealFleetOptions extends FleetOptions {
  readonly certificates: ServerCertificates;
  readonly directory: string;
  readonly progress: (line: string) => void;
  /** Who else may log in to each plane. */
  readonly users?: readonly User[];
  /** Where kubelets of the clusters are that no API server can reach by itself. */
  readonly kubelets?: KubeletPorts | undefined;
  /** A plane is ready, with nothing installed on it. */
  readonly planeIsUp?: (plane: Plane) => void;
  /** Writes the kubeconfig by which an agent of OCM reaches its own cluster, of which the client is the administrator's. */
  readonly agentConfig?: (cluster: Plane, agent: Agent, client: KubeClient) => Promise<string>;
  /** Nothing of ours is installed. */
  readonly isBare?: boolean;
}

/**
 * kube-apiserver keeps the first objects of a new kind waiting for 2 s. OCM's agent gives up after one, and would
 * register its cluster minutes later.
 */
const NEW_KIND_MS = 2_500;

/** A managed cluster of this name is the hub itself, as OCM calls it. */
export const LOCAL_CLUSTER = 'local-cluster';

/** Who the operator of a plane is there. */
export const operatorUser = (plane: Plane) => userOf(plane.name === 'hub' ? hubAccess : spokeAccess);

/** Who a program is that has the token of the service account. */
export const accountUser = (access: Access): User => ({
  name: userOf(access),
  groups: ['system:serviceaccounts', `system:serviceaccounts:${access.account.namespace}`],
});

const OPERATOR_USERS = [hubAccess, spokeAccess].map(accountUser);

/** Starts the planes, installs what belongs on them and lets the clusters join. Of a start that fails nothing stays. */
export const startRealFleet = (options: RealFleetOptions): Promise<RealFleet> =>
  startAll((defer) => startFleet(options, defer));

async function startFleet(options: RealFleetOptions, defer: Defer): Promise<Omit<RealFleet, 'stop'>> {
  const { certificates, clock, random, directory, progress } = options;
  const programs = await planePrograms(progress);
  const { program, modules } = await ocmProgram(progress);
  const running: Plane[] = [];
  defer(() => allOver(running.map((plane) => plane.stop())));
  const start = async (name: string) => {
    const plane = await startPlane({
      name,
      directory,
      programs,
      certificates,
      users: [...AGENT_USERS, ...OPERATOR_USERS, ...(options.users ?? [])],
      parts: ['kube-controller-manager', 'kube-scheduler'],
      kubelets: options.kubelets,
      auditBodies: [RESOURCES.manifestWork, CORE.daemonSet].map(({ group, plural }) => ({
        group,
        resources: [plural],
      })),
    });
    running.push(plane);
    options.planeIsUp?.(plane);
    return plane;
  };
  const hubIsUp = start('hub');
  const [hub, ...spokes] = await allOver([
    hubIsUp,
    ...options.clusters.map(async ({ name }) =>
      name === LOCAL_CLUSTER ? { ...(await hubIsUp), name } : start(name),
    ),
  ]);
  const planes = new Map([hub, ...spokes].map((plane) => [plane.name, plane]));
  const transports = new Map(
    [...planes].map(([name, plane]) => [name, createHttpTransport(plane.connection())]),
  );
  defer(() => allOver([...transports.values()].map((each) => each.close())));
  const transport = (name: string) => found(transports, name);
  const client = (name: string) =>
    createKubeClient({ transport: transport(name), clock, random, userAgent: 'kmm-lab' });
  // A cluster's object and namespace come with its registration.
  const ours = (objects: readonly KubeObject[]) => (options.isBare ? [] : objects);
  const ofHub = ours([...groundObjects(editions.hub), ...accessObjects(hubAccess)]);
  const onHub = [...ocmHubObjects(modules), ...ofHub];
  await installObjects(client('hub'), onHub, clock);
  const isServed = sleep(clock, NEW_KIND_MS);
  const access = [spokeAccess, workAgentAccess].flatMap(accessObjects);
  const onSpoke = [...ocmSpokeObjects(modules), ...ours([...groundObjects(editions.spoke), ...access])];
  await allOver(spokes.map(({ name }) => installObjects(client(name), onSpoke, clock)));
  await isServed;
  progress('clusters join the hub');
  const { agentConfig } = options;
  const ocm = await startOcm({
    ...{ directory, program, hub, clusters: spokes },
    agentConfig: agentConfig && ((plane, agent) => agentConfig(plane, agent, client(plane.name))),
  });
  defer(() => ocm.stop());
  const plane = (name: string) => ({ name, transport: transport(name) });
  const fleet = joinFleet(options, { hub: plane('hub'), cluster: plane, hasAgents: true });
  return {
    hub,
    clusters: new Map(spokes.map((spoke) => [spoke.name, spoke])),
    ocm,
    client,
    run: (signal) => fleet.run(signal),
  };
}

function found<T>(all: ReadonlyMap<string, T>, name: string): T {
  const one = all.get(name);
  if (!one) throw new RangeError(`the fleet has no cluster ${name}`);
  return one;
}
