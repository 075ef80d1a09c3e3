import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryRegistry } from '@kmm-fleet/images/testing';
import { createFleet } from '@kmm-fleet/lab';
import {
  CORE,
  systemClock as clock,
  createKubeClient,
  type KubeObject,
  systemRandom as random,
  silentLog,
  sleep,
} from '@kmm-fleet/runtime';
import { bundleOperator } from './bundle.ts';
import type { Figure } from './measure.ts';
import { type ProcessCost, processCost } from './process-cost.ts';

const SETTLE_MS = 4_000;
const IDLE_SECONDS = 60;

/** Resident memory of the managed spoke, bundled into one file and idle, beside an idle node process. */
export async function spokeMemory(): Promise<Figure> {
  const spoke = await withSpoke(1, async ({ residentMiB }) => residentMiB());
  const bare = spawnNode(['-e', 'setInterval(() => {}, 1000)'], {});
  await sleep(clock, SETTLE_MS);
  const ratio = spoke / processCost(bare.pid).residentMiB();
  bare.kill('SIGKILL');
  return { name: 'idle memory of the bundled spoke', value: mib(spoke), ratio, ratioMax: 2.5 };
}

/** The same in clusters of 100 and of 1,000 nodes, in MiB, and what it does while nothing happens. */
export async function spokeAtRest(): Promise<Figure[]> {
  const few = await withSpoke(100, async ({ residentMiB, cpuSeconds }) => {
    const before = cpuSeconds();
    await sleep(clock, IDLE_SECONDS * 1_000);
    return { memory: residentMiB(), cpuMs: (cpuSeconds() - before) * 1_000 };
  });
  const many = await withSpoke(1_000, async ({ residentMiB }) => residentMiB());
  return [
    { name: 'spoke, 100 nodes: idle memory in MiB', value: mib(few.memory), ratio: few.memory, ratioMax: 96 },
    {
      name: `spoke, 100 nodes: CPU in ${IDLE_SECONDS} idle seconds, in ms`,
      value: `${few.cpuMs.toFixed(0)} ms`,
      ratio: few.cpuMs,
      ratioMax: 150,
    },
    { name: 'spoke, 1,000 nodes: idle memory in MiB', value: mib(many), ratio: many, ratioMax: 128 },
  ];
}

const mib = (amount: number) => `${amount.toFixed(0)} MiB`;

/** Runs a spoke as it is shipped in a cluster of so many nodes, and measures once it has settled. */
async function withSpoke<T>(nodes: number, measure: (cost: ProcessCost) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'kmm-bench-'));
  const bundle = join(folder, 'spoke.mjs');
  await bundleOperator('spoke', bundle);
  const ports = { clock, random, log: silentLog };
  const clusters = [{ name: 'east', nodes: [] }];
  const fleet = createFleet({ ...ports, registryTransport: createMemoryRegistry(), clusters });
  const server = fleet.clusters.get('east')?.server;
  if (!server) throw new RangeError('the fleet has no cluster east');
  const user = createKubeClient({ ...ports, transport: server.transport, userAgent: 'bench' });
  for (let index = 0; index < nodes; index += 1) await user.create(CORE.node, node(index));
  const listening = await server.listen();
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigFor(listening.url));
  const path = process.env['PATH'] ?? '';
  const env = { PATH: path, KUBECONFIG: kubeconfig, KMM_MANAGED: '1', LEADER_ELECTION: 'false' };
  const spoke = spawnNode([bundle], env);
  await sleep(clock, SETTLE_MS);
  try {
    return await measure(processCost(spoke.pid));
  } finally {
    spoke.kill('SIGKILL');
    await listening.close();
    rmSync(folder, { recursive: true });
  }
}

function spawnNode(args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, ['--max-semi-space-size=2', ...args], { env, stdio: 'ignore' });
}

/** As large as a kubelet makes it, but for the list of images. */
function node(index: number): KubeObject {
  const name = `node-${index}`;
  const conditions = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'].map((type) => ({
    type,
    status: type === 'Ready' ? 'True' : 'False',
    reason: `Kubelet${type}`,
    message: 'as the kubelet last said',
    lastHeartbeatTime: '2026-01-01T00:00:00Z',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  }));
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/arch': 'amd64' } },
    status: {
      conditions,
      nodeInfo: { kernelVersion: '6.1.0-1-amd64', osImage: 'Debian', architecture: 'amd64', bootID: name },
    },
  };
}

function kubeconfigFor(server: string): string {
  const parts = {
    clusters: [{ name: 'c', cluster: { server } }],
    users: [],
    contexts: [{ name: 'c', context: { cluster: 'c' } }],
  };
  return JSON.stringify({ apiVersion: 'v1', kind: 'Config', 'current-context': 'c', ...parts });
}
