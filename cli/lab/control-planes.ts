import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  createFleet,
  type KubeAccess,
  operatorUser,
  type RealFleetOptions,
  startRealFleet,
} from '@kmm-fleet/lab';
import { createKubeClient, type KubeClient } from '@kmm-fleet/runtime';

/** `lab`: API servers in the process of the lab. `real`: etcd, Kubernetes and OCM's agents. */
export type ControlPlaneKind = 'lab' | 'real';

/** The API servers of a lab and what lives around them. */
export interface LabFleet {
  /** The administrator's, the hub first; beside each the token of the operator there. */
  readonly accesses: readonly (KubeAccess & { readonly operatorToken: string })[];
  client(name: string): KubeClient;
  /** OCM's agents and nodes at work, until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
  /** Ends the API servers. */
  stop(): Promise<void>;
}

export function openLabFleet(kind: ControlPlaneKind, options: RealFleetOptions): Promise<LabFleet> {
  return kind === 'real' ? openRealPlanes(options) : openEmbedded(options);
}

async function openEmbedded(options: RealFleetOptions): Promise<LabFleet> {
  const { clock, random, certificates } = options;
  const fleet = createFleet(options);
  const { cert, key } = certificates.server;
  const tls = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  const servers = [fleet.hub, ...[...fleet.clusters.values()].map(({ server }) => server)];
  const listening = await Promise.all(
    servers.map(async (server) => {
      const token = randomBytes(16).toString('hex');
      const { url, close } = await server.listen({ tls, token });
      return { name: server.name, server: url, token, close };
    }),
  );
  const client = (wanted: string) => {
    const server = servers.find(({ name }) => name === wanted);
    if (!server) throw new RangeError(`the lab has no cluster ${wanted}`);
    return createKubeClient({ transport: server.transport, clock, random, userAgent: 'kmm-lab' });
  };
  return {
    accesses: listening.map(({ name, server, token }) => ({ name, server, token, operatorToken: token })),
    client,
    run: (signal) => fleet.run(signal),
    stop: async () => void (await Promise.all(listening.map(({ close }) => close()))),
  };
}

async function openRealPlanes(options: RealFleetOptions): Promise<LabFleet> {
  const { hub, clusters, client, run, stop } = await startRealFleet(options);
  const accesses = [hub, ...clusters.values()].map((plane) => ({
    name: plane.name,
    server: plane.url,
    token: plane.token(),
    operatorToken: plane.token(operatorUser(plane)),
  }));
  return { accesses, client, run, stop };
}
