import { spawn } from 'node:child_process';
import { NODE_FLAGS } from '@kmm-fleet/lab';
import { systemClock as clock, type KubeObject, sleep } from '@kmm-fleet/runtime';
import { type Figure, SETTLE_MS } from './measure.ts';
import { withOperator } from './operator-process.ts';
import { type ProcessCost, processCost } from './process-cost.ts';

const IDLE_SECONDS = 60;

/** Resident memory of the managed spoke, bundled into one file and idle, beside an idle node process. */
export async function spokeMemory(): Promise<Figure> {
  const spoke = await withSpoke(1, async ({ residentMiB }) => residentMiB());
  const idle = [...NODE_FLAGS.spoke, '-e', 'setInterval(() => {}, 1000)'];
  const bare = spawn(process.execPath, idle, { stdio: 'ignore' });
  await sleep(clock, SETTLE_MS);
  const ratio = spoke / processCost(bare.pid).residentMiB();
  bare.kill('SIGKILL');
  return { name: 'idle memory of the bundled spoke', value: mib(spoke), ratio, ratioMax: 1.8 };
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
    { name: 'spoke, 100 nodes: idle memory in MiB', value: mib(few.memory), ratio: few.memory, ratioMax: 64 },
    {
      name: `spoke, 100 nodes: CPU in ${IDLE_SECONDS} idle seconds, in ms`,
      value: `${few.cpuMs.toFixed(0)} ms`,
      ratio: few.cpuMs,
      ratioMax: 150,
      upstream: '58 ms',
    },
    { name: 'spoke, 1,000 nodes: idle memory in MiB', value: mib(many), ratio: many, ratioMax: 80 },
  ];
}

const mib = (amount: number) => `${amount.toFixed(0)} MiB`;

/** Runs a spoke in a cluster of so many nodes, and measures once it has settled. */
function withSpoke<T>(nodes: number, measure: (cost: ProcessCost) => Promise<T>): Promise<T> {
  const objects = Array.from({ length: nodes }, (_, index) => nodeObject(index));
  return withOperator('spoke', { objects }, async (spoke) => {
    await sleep(clock, SETTLE_MS);
    return measure(spoke);
  });
}

/** As large as a kubelet makes it, but for the list of images. */
export function nodeObject(index: number): KubeObject {
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
