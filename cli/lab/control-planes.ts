import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  AGENT_USERS,
  createFleet,
  type FleetOptions,
  hubObjects,
  installObjects,
  joinFleet,
  ocmHubObjects,
  ocmProgram,
  ocmSpokeObjects,
  planePrograms,
  type ServerCertificates,
  spokeObjects,
  startOcm,
  startPlane,
} from '@kmm-fleet/lab';
import { accessObjects, hubAccess, spokeAccess, userOf, workAgentAccess } from '@kmm-fleet/policies';
import { createHttpTransport, createKubeClient, type KubeClient, type Transport } from '@kmm-fleet/runtime';
import type { KubeAccess } from './kubeconfig.ts';

/** `lab`: API servers in the process of the lab. `real`: etcd, Kubernetes and OCM's agents. */
export type ControlPlaneKind = 'lab' | 'real';

/** The API servers of a lab and what lives around them. */
export interface LabFleet {
  /** The hub first. */
  readonly accesses: readonly (KubeAccess & { readonly operatorToken: string })[];
  client(name: string): KubeClient;
  /** OCM's agents and nodes at work, until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
  /** Ends the API servers. */
  stop(): Promise<void>;
}

const OPERATOR_USERS = [hubAccess, spokeAccess].map((access) => ({
  name: userOf(access),
  groups: ['system:serviceaccounts', `system:serviceaccounts:${access.account.namespace}`],
}));

export interface LabFleetOptions extends FleetOptions {
  readonly certificates: ServerCertificates;
  readonly directory: string;
  readonly progress: (line: string) => void;
}

export function openLabFleet(kind: ControlPlaneKind, options: LabFleetOptions): Promise<LabFleet> {
  return kind === 'real' ? openRealPlanes(options) : openEmbedded(options);
}

async function openEmbedded(options: LabFleetOptions): Promise<LabFleet> {
  const fleet = createFleet(options);
  const { cert, key } = options.certificates.server;
  const tls = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  const servers = [fleet.hub, ...[...fleet.clusters.values()].map(({ server }) => server)];
  const listening = await Promise.all(
    servers.map(async (server) => {
      const token = randomBytes(16).toString('hex');
      const { url, close } = await server.listen({ tls, token });
      return { name: server.name, server: url, token, close };
    }),
  );
  const transports = new Map(servers.map(({ name, transport }) => [name, transport]));
  return {
    accesses: listening.map(({ name, server, token }) => ({ name, server, token, operatorToken: token })),
    client: (name) => clientOf(options, transports, name),
    run: (signal) => fleet.run(signal),
    stop: async () => void (await Promise.all(listening.map(({ close }) => close()))),
  };
}

async function openRealPlanes(options: LabFleetOptions): Promise<LabFleet> {
  const { certificates, clock, clusters, directory, progress } = options;
  const programs = await planePrograms(progress);
  const { program, modules } = await ocmProgram(progress);
  const start = (name: string) =>
    startPlane({
      name,
      directory,
      programs,
      certificates,
      users: [...AGENT_USERS, ...OPERATOR_USERS],
      parts: ['kube-controller-manager', 'kube-scheduler'],
    });
  const [hub, ...spokes] = await Promise.all([start('hub'), ...clusters.map(({ name }) => start(name))]);
  const planes = [hub, ...spokes];
  const transports = new Map(planes.map((plane) => [plane.name, createHttpTransport(plane.connection())]));
  const client = (name: string) => clientOf(options, transports, name);
  // A cluster's object and namespace come with its registration.
  await installObjects(
    client('hub'),
    [...ocmHubObjects(modules), ...hubObjects(), ...accessObjects(hubAccess)],
    clock,
  );
  const access = [spokeAccess, workAgentAccess].flatMap(accessObjects);
  const onSpoke = [...ocmSpokeObjects(modules), ...spokeObjects(), ...access];
  await Promise.all(spokes.map(({ name }) => installObjects(client(name), onSpoke, clock)));
  progress('clusters join the hub');
  const ocm = await startOcm({ directory, program, hub, clusters: spokes });
  const plane = (name: string) => ({ name, transport: transportOf(transports, name) });
  const fleet = joinFleet(options, { hub: plane('hub'), cluster: plane, hasAgents: true });
  return {
    accesses: planes.map(({ name, url, token }) => ({
      name,
      server: url,
      token: token(),
      operatorToken: token(userOf(name === 'hub' ? hubAccess : spokeAccess)),
    })),
    client,
    run: (signal) => fleet.run(signal),
    async stop() {
      await ocm.stop();
      await Promise.all([...transports.values()].map((transport) => transport.close()));
      await Promise.all(planes.map((each) => each.stop()));
    },
  };
}

function clientOf({ clock, random }: FleetOptions, transports: ReadonlyMap<string, Transport>, name: string) {
  return createKubeClient({ transport: transportOf(transports, name), clock, random, userAgent: 'kmm-lab' });
}

function transportOf(transports: ReadonlyMap<string, Transport>, name: string): Transport {
  const found = transports.get(name);
  if (!found) throw new RangeError(`the lab has no cluster ${name}`);
  return found;
}
