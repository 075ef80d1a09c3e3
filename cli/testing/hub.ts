import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiServer, createFleet } from '@kmm-fleet/lab';
import {
  systemClock as clock,
  createKubeClient,
  createRandom,
  type KubeClient,
  type KubeConnection,
  silentLog,
  type Transport,
} from '@kmm-fleet/runtime';
import { stringify } from 'yaml';

/** API servers of a hub and of the cluster east, without anything that works on them. */
export interface TestHub {
  readonly hub: ApiServer;
  readonly east: ApiServer;
  readonly client: KubeClient;
  readonly eastClient: KubeClient;
  /** A folder with `kubeconfig` (contexts hub and east) and `east.kubeconfig`, as a lab leaves them. */
  readonly folder: string;
  readonly transport: (connection: KubeConnection) => Transport;
}

export const HUB_SERVER = 'https://hub.test';
export const EAST_SERVER = 'https://east.test';

export function createTestHub(): TestHub {
  const random = createRandom(1);
  const { hub, clusters } = createFleet({
    clock,
    random,
    log: silentLog,
    registryTransport: { request: () => Promise.reject(new RangeError('nothing is pulled')) },
    clusters: [{ name: 'east', labels: { site: 'edge' }, nodes: [] }],
  });
  const east = clusters.get('east')?.server;
  if (!east) throw new RangeError('the fleet has no east');
  const client = ({ transport }: ApiServer) =>
    createKubeClient({ transport, clock, random, userAgent: 'test' });
  return {
    hub,
    east,
    client: client(hub),
    eastClient: client(east),
    folder: kubeconfigs(),
    transport: ({ server }) => (server === HUB_SERVER ? hub.transport : east.transport),
  };
}

function kubeconfigs(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kmm-cli-test-'));
  writeFileSync(join(folder, 'kubeconfig'), kubeconfig({ hub: HUB_SERVER, east: EAST_SERVER }));
  writeFileSync(join(folder, 'east.kubeconfig'), kubeconfig({ east: EAST_SERVER }));
  return folder;
}

/** A kubeconfig with a context per server; the first is the current one. */
export function kubeconfig(servers: Readonly<Record<string, string>>): string {
  const named = Object.entries(servers);
  return stringify({
    'current-context': named[0]?.[0],
    clusters: named.map(([name, server]) => ({ name, cluster: { server } })),
    contexts: named.map(([name]) => ({ name, context: { cluster: name } })),
  });
}
