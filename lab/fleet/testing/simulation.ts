import { OPERATOR } from '@kmm-fleet/api';
import { createRegistry } from '@kmm-fleet/images';
import { createMemoryRegistry, loaderTools, type MemoryRegistry, pushImage } from '@kmm-fleet/images/testing';
import {
  createKubeClient,
  createManualClock,
  createRandom,
  type KubeClient,
  type ManualClock,
  silentLog,
} from '@kmm-fleet/runtime';
import type { ApiServer } from '../../api-server/index.ts';
import { type ClusterShape, createFleet, type Fleet } from '../fleet.ts';
import type { SimulatedNode } from '../node/node.ts';

/** A fleet at work on a clock of its own, with a registry in memory. */
export interface Simulation {
  readonly clock: ManualClock;
  readonly fleet: Fleet;
  readonly registry: MemoryRegistry;
  readonly hub: KubeClient;
  /** Client of the first cluster, or of the named one. */
  spoke(name?: string): KubeClient;
  server(name?: string): ApiServer;
  node(name: string): SimulatedNode;
  /** Pushes an image of loader tools and these files, and returns its reference by digest. */
  push(name: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<string>;
  /** Lets time pass until the check gives something; fails after ten minutes. */
  until<T>(what: string, check: () => Promise<T | undefined | false> | T | undefined | false): Promise<T>;
  stop(): Promise<void>;
}

const REGISTRY = 'registry.test:5000';
const LOGIN = { username: 'kmm', password: 's3cret', scheme: 'Basic' as const };
const STEP_MS = 100;
const PATIENCE_MS = 600_000;

/** Starts a fleet. The clock begins after the certificates of the tests were made. */
export function simulateFleet(clusters: readonly ClusterShape[], seed = 1): Simulation {
  const clock = createManualClock(Date.UTC(2027, 0, 1));
  const random = createRandom(seed);
  const transport = createMemoryRegistry({ login: LOGIN });
  const registry = createRegistry({ transport, clock, random });
  const fleet = createFleet({ clock, random, log: silentLog, registryTransport: transport, clusters });
  const stop = new AbortController();
  const running = fleet.run(stop.signal);
  const clusterOf = (name = clusters[0]?.name ?? '') => found(fleet.clusters.get(name), name);
  const client = (server: ApiServer) =>
    createKubeClient({ transport: server.transport, clock, random, userAgent: 'user' });
  return {
    clock,
    fleet,
    registry: transport,
    hub: client(fleet.hub),
    spoke: (name) => client(clusterOf(name).server),
    server: (name) => clusterOf(name).server,
    node: (name) =>
      found(
        [...fleet.clusters.values()].map(({ nodes }) => nodes.get(name)).find((node) => node !== undefined),
        name,
      ),
    async push(name, files) {
      const repository = `${REGISTRY}/${name}`;
      const access = { dockerConfig: dockerConfig() };
      const digest = await pushImage(registry, `${repository}:1`, access, { ...loaderTools(), ...files });
      return `${repository}@${digest}`;
    },
    async until(what, check) {
      const end = clock.now() + PATIENCE_MS;
      for (;;) {
        const result = await check();
        if (result !== undefined && result !== false) return result;
        if (clock.now() > end) throw new Error(`${what} did not come in ${PATIENCE_MS / 1_000} seconds`);
        await clock.advance(STEP_MS);
      }
    },
    async stop() {
      stop.abort();
      await clock.settle();
      await running;
    },
  };
}

/** A docker config that lets its bearer pull. */
export function dockerConfig(
  login: { readonly username: string; readonly password: string } = LOGIN,
): string {
  const auth = Buffer.from(`${login.username}:${login.password}`).toString('base64');
  return JSON.stringify({ auths: { [REGISTRY]: { auth } } });
}

/** The Secret `pull` of the operator's namespace. */
export function pullSecret(config = dockerConfig()) {
  const data = { '.dockerconfigjson': Buffer.from(config).toString('base64') };
  const metadata = { name: 'pull', namespace: OPERATOR.namespace };
  return { apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/dockerconfigjson', data };
}

function found<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new RangeError(`the fleet has no ${name}`);
  return value;
}
