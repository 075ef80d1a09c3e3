import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { KERNEL_CLAIM, RESOURCES } from '@kmm-fleet/api';
import { operatorUser, type Plane } from '@kmm-fleet/lab';
import {
  CORE,
  systemClock as clock,
  createCache,
  type KubeClient,
  systemRandom as random,
  silentLog,
} from '@kmm-fleet/runtime';
import { bundleOperator } from '../bundle.ts';
import type { Figure } from '../measure.ts';
import { startOperator } from '../operator.ts';
import { createAuditReader } from './audit.ts';
import { figure, latency, pause, QUIET_MS, until } from './measuring.ts';

const CHANGES = 30;
const NODE = 'n0';
const IDLE_MS = 60_000;

/** How long a spoke needs from a node that runs another kernel to its cluster's claim, and what it asks while nothing changes. */
export async function claimLatency(plane: Plane, client: KubeClient, directory: string): Promise<Figure[]> {
  const program = await bundleOperator('spoke', join(directory, 'programs'));
  const env = { KUBECONFIG: plane.kubeconfig(operatorUser(plane)), KMM_MANAGED: '1' };
  const spoke = startOperator(program, env, join(directory, 'spoke.log'));
  const watching = new AbortController();
  try {
    const times = await claimTimes(client, watching.signal);
    return [
      latency("a node's kernel → its cluster's claim, by the spoke, in ms", times, 20),
      await idleRequests(plane),
    ];
  } finally {
    watching.abort();
    await spoke.stop();
  }
}

async function idleRequests({ auditLog }: Plane): Promise<Figure> {
  const asked = createAuditReader(auditLog, 'kmm');
  await pause(QUIET_MS);
  if (asked.next().writes === 0) throw new Error('The log of the API server has nothing of the spoke.');
  await pause(IDLE_MS);
  const { writes, reads, what, got } = asked.next();
  const value = `${writes + reads} (writes: ${what}; reads: ${got})`;
  return figure('requests of a spoke in an idle minute, beside its lease', value, writes + reads, 0);
}

async function claimTimes(client: KubeClient, signal: AbortSignal): Promise<number[]> {
  const claims = createCache({
    ...{ client, clock, random, log: silentLog, type: RESOURCES.clusterClaim },
    transform: (claim) => claim,
  });
  void claims.run(signal);
  await client.create(CORE.node, { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE }, ...running(0) });
  const claimed = () => (claims.get(KERNEL_CLAIM)?.['spec'] as { value?: string })?.value;
  await until('the first claim', () => claimed() === kernel(0));
  const times: number[] = [];
  for (let change = 1; change <= CHANGES; change += 1) {
    await client.mergePatch(CORE.node, { name: NODE }, running(change), { subresource: 'status' });
    const started = performance.now();
    await until('the next claim', () => claimed() === kernel(change), { pauseMs: 1 });
    times.push(performance.now() - started);
    await pause(200);
  }
  return times;
}

const kernel = (count: number) => `6.1.0-${count}-amd64`;
const running = (count: number) => ({ status: { nodeInfo: { kernelVersion: kernel(count) } } });
