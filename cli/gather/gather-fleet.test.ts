import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { RESOURCES } from '@kmm-fleet/api';
import { createFleet } from '@kmm-fleet/lab';
import {
  CORE,
  systemClock as clock,
  createKubeClient,
  createRandom,
  listAll,
  silentLog,
} from '@kmm-fleet/runtime';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { mcmObject } from '../../hub/testing/fixtures.ts';
import { systemIo } from '../io.ts';
import { run } from '../program.ts';
import { apply, putPod } from '../testing/gather.ts';
import { kubeconfig } from '../testing/hub.ts';
import { createScreen } from '../testing/kmm.ts';

const folder = mkdtempSync(join(tmpdir(), 'kmm-gather-test-'));
const random = createRandom(1);
const names = ['east', 'west', 'edge'];
const fleet = createFleet({
  clock,
  random,
  log: silentLog,
  registryTransport: { request: () => Promise.reject(new RangeError('nothing is pulled')) },
  clusters: names.map((name) => ({
    name,
    labels: { site: 'edge' },
    nodes: [1, 2].map((number) => ({ name: `${name}-${number}`, kernel: '6.1.0-1-amd64' })),
  })),
});
const servers = [
  ['hub', fleet.hub],
  ...[...fleet.clusters].map(([name, { server }]) => [name, server]),
] as const;
const closing: (() => Promise<void>)[] = [];
const life = new AbortController();

beforeAll(async () => {
  const running = fleet.run(life.signal);
  closing.push(() => running);
  const urls: Record<string, string> = {};
  for (const [name, server] of servers as readonly (readonly [string, typeof fleet.hub])[]) {
    const { url, close } = await server.listen();
    urls[name] = url;
    closing.push(close);
    const client = createKubeClient({ transport: server.transport, clock, random, userAgent: 'test' });
    await putPod(client, name === 'hub' ? 'openshift-kmm-hub' : 'openshift-kmm', 'operator');
    if (name === 'hub') await apply(client, RESOURCES.managedClusterModule, mcmObject());
    else await vi.waitUntil(async () => (await listAll(client, CORE.node)).length === 2, 5_000);
  }
  writeFileSync(join(folder, 'kubeconfig'), kubeconfig(urls));
});
afterAll(async () => {
  life.abort();
  for (const close of closing) await close();
  rmSync(folder, { recursive: true });
});

it('a hub and three clusters are gathered over real sockets into real files in less than ten seconds', async () => {
  const [out, err] = [createScreen(), createScreen()];
  const env = { KUBECONFIG: join(folder, 'kubeconfig'), KMM_LAB_DIR: '/nonexistent/lab' };
  const started = performance.now();
  for (const name of ['hub', ...names]) {
    const flags = name === 'hub' ? ['-u'] : [];
    const args = ['gather', ...flags, '--context', name, '--dir', join(folder, name)];
    expect(await run(args, { ...systemIo(), out, err, env })).toBe(0);
  }

  expect(performance.now() - started).toBeLessThan(10_000);
  for (const name of ['hub', ...names]) {
    const files = readdirSync(join(folder, name), { recursive: true, encoding: 'utf8' });
    expect(files).toContain('summary.md');
    expect(files.length).toBeGreaterThan(10);
    expect(statSync(join(folder, name, 'summary.md')).mode & 0o077).toBe(0);
  }
  expect(readFileSync(join(folder, 'east', 'nodes.tsv'), 'utf8')).toMatch(
    /^east-1\tTrue\t6\.1\.0-1-amd64\t/m,
  );
});
