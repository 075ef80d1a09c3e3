import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createMemoryRegistry } from '@kmm-fleet/images/testing';
import { createFleet } from '@kmm-fleet/lab';
import { systemClock as clock, systemRandom as random, silentLog } from '@kmm-fleet/runtime';
import { build } from 'esbuild';
import type { Figure } from './measure.ts';

const SETTLE_MS = 4_000;
/** CommonJS packages in an ES module bundle ask for `require`. */
const BANNER = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/** Resident memory of the managed spoke, bundled into one file and idle, beside an idle node process. */
export async function spokeMemory(): Promise<Figure> {
  const folder = mkdtempSync(join(tmpdir(), 'kmm-bench-'));
  const bundle = join(folder, 'spoke.mjs');
  const entry = join(fileURLToPath(new URL('.', import.meta.resolve('@kmm-fleet/spoke'))), 'main.ts');
  await build({
    entryPoints: [entry],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    minify: true,
    banner: { js: BANNER },
    logLevel: 'error',
  });
  const fleet = createFleet({
    clock,
    random,
    log: silentLog,
    registryTransport: createMemoryRegistry(),
    clusters: [{ name: 'east', nodes: [{ name: 'n1', kernel: '6.1.0-1' }] }],
  });
  const server = fleet.clusters.get('east')?.server;
  const listening = await server?.listen();
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigFor(listening?.url ?? ''));
  const env = {
    PATH: process.env['PATH'] ?? '',
    KUBECONFIG: kubeconfig,
    KMM_MANAGED: '1',
    LEADER_ELECTION: 'false',
  };
  const spoke = await residentMiB([bundle], env);
  const bare = await residentMiB(['-e', 'setInterval(() => {}, 1000)'], {});
  await listening?.close();
  rmSync(folder, { recursive: true });
  return {
    name: 'idle memory of the bundled spoke',
    value: `${spoke.toFixed(0)} MiB`,
    ratio: spoke / bare,
    ratioMax: 2.5,
  };
}

async function residentMiB(args: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const child = spawn(process.execPath, ['--max-semi-space-size=2', ...args], { env, stdio: 'ignore' });
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  child.kill('SIGKILL');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1_024;
}

function kubeconfigFor(server: string): string {
  const parts = {
    clusters: [{ name: 'c', cluster: { server } }],
    users: [],
    contexts: [{ name: 'c', context: { cluster: 'c' } }],
  };
  return JSON.stringify({ apiVersion: 'v1', kind: 'Config', 'current-context': 'c', ...parts });
}
