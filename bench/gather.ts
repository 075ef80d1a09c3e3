import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { KERNEL_CLAIM, LABELS } from '@kmm-fleet/api';
import type { Figure } from './measure.ts';

const MAIN = join(import.meta.dirname, '..', 'cli', 'main.ts');
const HUB = 'openshift-kmm-hub';
/** An operator that has a lot to tell: 10 MB of log. */
const LOG_LINE = `${JSON.stringify({ level: 30, time: 1, component: 'kmm-hub', cluster: 'c1', msg: 'work.applied' })}\n`;
const LOG_LINES = 100_000;
/** Left alone, V8 takes what the machine has before it cleans up; that says nothing about what is needed. */
const HEAP = ['--max-old-space-size=96', '--max-semi-space-size=8'];
const SAMPLE_MS = 20;

/** Memory of a gather of a hub with `clusters` clusters and a work on each, beside one of a quarter of it: a page of objects and a line are held. */
export async function gatherMemory(clusters: number): Promise<Figure> {
  const small = await gatherHub(Math.ceil(clusters / 4));
  const large = await gatherHub(clusters);
  return {
    name: `kmm gather -u, ${clusters} clusters`,
    value: `${large.peakMiB.toFixed(0)} MiB, ${(large.ms / 1_000).toFixed(1)} s, ${large.files} objects`,
    ratio: large.peakMiB / small.peakMiB,
    ratioMax: 1.4,
  };
}

async function gatherHub(clusters: number): Promise<{ peakMiB: number; ms: number; files: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'kmm-bench-gather-'));
  const server = await serveHub(clusters);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config = { 'current-context': 'hub', clusters: [{ name: 'hub', cluster: { server: url } }] };
  const contexts = [{ name: 'hub', context: { cluster: 'hub' } }];
  writeFileSync(join(folder, 'kubeconfig'), JSON.stringify({ ...config, contexts }));
  const args = [...HEAP, MAIN, 'gather', '-u', '--dir', join(folder, 'out'), '-o', 'json'];
  const started = performance.now();
  const { peakMiB, out } = await peakOf(args, { KUBECONFIG: join(folder, 'kubeconfig') });
  const ms = performance.now() - started;
  server.close();
  rmSync(folder, { recursive: true });
  const { counts } = JSON.parse(out) as { counts: Record<string, number> };
  return { peakMiB, ms, files: Object.values(counts).reduce((sum, count) => sum + count, 0) };
}

/** Peak resident memory of a node process, as the kernel keeps it. */
function peakOf(
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ peakMiB: number; out: string }> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  let peakMiB = 0;
  child.stdout.on('data', (part: Buffer) => {
    out += part.toString();
  });
  const sample = setInterval(() => {
    try {
      const [, kib] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
      peakMiB = Math.max(peakMiB, Number(kib ?? 0) / 1_024);
    } catch {
      // It has just ended.
    }
  }, SAMPLE_MS);
  return new Promise((resolve, reject) => {
    child.on('close', (code) => {
      clearInterval(sample);
      if (code === 0) resolve({ peakMiB, out });
      else reject(new Error(`kmm gather ended with ${code}`));
    });
  });
}

/** A hub that makes up its objects while it is asked for them. */
function serveHub(clusters: number): Promise<Server> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://hub');
    if (url.pathname.endsWith('/log')) {
      response.end(LOG_LINE.repeat(LOG_LINES));
      return;
    }
    const [make, count] = listOf(url.pathname, clusters);
    const from = Number(url.searchParams.get('continue') ?? 0);
    const to = Math.min(count, from + Number(url.searchParams.get('limit') ?? 500));
    const items = Array.from({ length: to - from }, (_, index) => make(from + index));
    const metadata = { resourceVersion: '1', ...(to < count && { continue: String(to) }) };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ kind: 'List', apiVersion: 'v1', gitVersion: 'v1.34.0', metadata, items }));
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

function listOf(path: string, clusters: number): [(index: number) => object, number] {
  if (path.endsWith('/managedclusters')) return [managedCluster, clusters];
  if (path.endsWith('/manifestworks')) return [manifestWork, clusters];
  if (path.endsWith('/managedclustermodules'))
    return [() => ({ metadata: { name: 'kmod' }, spec: { selector: {} } }), 1];
  if (path.endsWith(`/namespaces/${HUB}/pods`)) return [() => OPERATOR_POD, 1];
  return [() => ({}), 0];
}

const OPERATOR_POD = {
  metadata: { name: 'kmm-operator-hub-controller-manager-1', namespace: HUB },
  status: {
    conditions: [{ type: 'Ready', status: 'True' }],
    containerStatuses: [{ name: 'manager', restartCount: 0, state: { running: {} } }],
  },
};

/** What Kubernetes and OCM keep in an object beside what is in its schema. */
const managedFields = Array.from({ length: 4 }, (_, index) => ({
  manager: `manager-${index}`,
  operation: 'Update',
  fieldsV1: {
    'f:metadata': { 'f:labels': Object.fromEntries(Array.from({ length: 20 }, (__, n) => [`f:l${n}`, {}])) },
  },
}));

const managedCluster = (index: number) => ({
  metadata: { name: `c${index}`, labels: { site: 'edge' }, managedFields },
  status: {
    conditions: [
      { type: 'ManagedClusterConditionAvailable', status: index % 10 ? 'True' : 'Unknown', message: 'x' },
    ],
    clusterClaims: [{ name: KERNEL_CLAIM, value: '6.1.0-1-amd64\n6.1.0-2-amd64' }],
    capacity: { cpu: '8', memory: '32Gi', pods: '250' },
  },
});

const manifestWork = (index: number) => ({
  metadata: {
    name: 'kmod',
    namespace: `c${index}`,
    labels: { [LABELS.managedClusterModule]: 'kmod' },
    managedFields,
  },
  spec: {
    workload: { manifests: [{ kind: 'Module', spec: { selector: { a: 'b' }, note: 'x '.repeat(500) } }] },
  },
  status: { conditions: [{ type: 'Applied', status: 'True', reason: 'AppliedManifestWorkComplete' }] },
});
