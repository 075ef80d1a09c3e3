import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createMemoryRegistry } from '@kmm-fleet/images/testing';
import { createFleet } from '@kmm-fleet/lab';
import { typeOf } from '@kmm-fleet/policies';
import {
  systemClock as clock,
  createKubeClient,
  type KubeObject,
  systemRandom as random,
  silentLog,
} from '@kmm-fleet/runtime';
import { TEST_TLS } from '@kmm-fleet/runtime/testing';
import { bundleOperator, type Room } from './bundle.ts';
import { startOperator } from './operator.ts';
import type { ProcessCost } from './process-cost.ts';

/** An operator as its image has it, in a process of its own. */
export interface OperatorProcess extends ProcessCost {
  /** From its start to the first object that it wrote for its work. */
  readonly firstWriteMs: Promise<number>;
}

const AGENTS = { hub: 'kmm-hub', spoke: 'kmm' } as const;

/** Runs an operator on an API server of the lab with these objects, as long as it is measured. */
export async function withOperator<T>(
  room: Room,
  { objects }: { readonly objects: readonly KubeObject[] },
  measure: (operator: OperatorProcess) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'kmm-bench-'));
  const program = await bundleOperator(room, join(folder, 'programs'));
  const ports = { clock, random, log: silentLog };
  const clusters = [{ name: 'east', nodes: [] }];
  const fleet = createFleet({ ...ports, registryTransport: createMemoryRegistry(), clusters });
  const server = room === 'hub' ? fleet.hub : fleet.clusters.get('east')?.server;
  if (!server) throw new RangeError('the fleet has no cluster east');
  const user = createKubeClient({ ...ports, transport: server.transport, userAgent: 'bench' });
  for (const object of objects) await user.create(typeOf(object), object);
  const { url, close } = await server.listen({ tls: TEST_TLS });
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigFor(url));
  const { promise: firstWriteMs, resolve } = Promise.withResolvers<number>();
  const started = performance.now();
  server.onWrite(({ userAgent, path }) => {
    if (userAgent === AGENTS[room] && !/\/(?:leases|events|secrets)\b/.test(path))
      resolve(performance.now() - started);
  });
  const settings = { KUBECONFIG: kubeconfig, KMM_MANAGED: '1', KMM_BUILD_DIR: folder };
  const operator = startOperator(program, settings, join(folder, 'operator.log'));
  try {
    return await measure({ ...operator, firstWriteMs });
  } finally {
    await operator.stop();
    await close();
    rmSync(folder, { recursive: true });
  }
}

function kubeconfigFor(server: string): string {
  const cluster = {
    server,
    'certificate-authority-data': Buffer.from(TEST_TLS.cert).toString('base64'),
    'tls-server-name': 'kube.test',
  };
  const parts = {
    clusters: [{ name: 'c', cluster }],
    users: [],
    contexts: [{ name: 'c', context: { cluster: 'c' } }],
  };
  return JSON.stringify({ apiVersion: 'v1', kind: 'Config', 'current-context': 'c', ...parts });
}
