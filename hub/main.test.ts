import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'kmm-hub-main-'));
const kubeconfig = join(folder, 'kubeconfig');
const other = createServer();
let taken = '';

beforeAll(async () => {
  const cluster = { name: 'hub', cluster: { server: 'http://127.0.0.1:1' } };
  const contexts = [{ name: 'hub', context: { cluster: 'hub' } }];
  writeFileSync(kubeconfig, JSON.stringify({ 'current-context': 'hub', clusters: [cluster], contexts }));
  writeFileSync(join(folder, 'broken'), 'a: [');
  await new Promise<void>((resolve) => other.listen(0, resolve));
  taken = String((other.address() as AddressInfo).port);
});
afterAll(() => {
  other.close();
  rmSync(folder, { recursive: true });
});

async function start(env: Record<string, string>) {
  const main = join(import.meta.dirname, 'main.ts');
  const child = spawn(process.execPath, [main], { env: { PATH: process.env['PATH'], HOME: folder, ...env } });
  const code = new Promise((resolve) => child.once('exit', resolve));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, out, err };
}

it.each<[string, () => Record<string, string>, RegExp]>([
  [
    'a port that is no number',
    () => ({ KUBECONFIG: kubeconfig, HEALTH_PORT: 'http' }),
    /^HEALTH_PORT: "http": .*number.*\. Correct it, or leave it out\.$/,
  ],
  [
    'a port that is taken',
    () => ({ KUBECONFIG: kubeconfig, HEALTH_PORT: taken }),
    /^HEALTH_PORT: "\d+": listen EADDRINUSE: .*\. Correct it, or leave it out\.$/,
  ],
  [
    'a kubeconfig that is not there',
    () => ({ KUBECONFIG: '/nonexistent' }),
    /^KUBECONFIG: "\/nonexistent": Kubeconfig \/nonexistent does not exist\. Correct it/,
  ],
  [
    'a kubeconfig that is none',
    () => ({ KUBECONFIG: join(folder, 'broken') }),
    /^KUBECONFIG: ".*broken": Kubeconfig .*broken cannot be read: .* Correct it/,
  ],
  ['no kubeconfig at all', () => ({}), /^No API server is known\. Set KUBECONFIG, or run in a pod/],
])('an operator with %s says so in one line, and what to do', async (_what, env, line) => {
  const { code, out, err } = await start(env());
  const [first, told, ...rest] = err.trimEnd().split('\n');

  expect([code, out, first, rest]).toEqual([2, '', 'kmm-hub cannot start:', []]);
  expect(told?.trim()).toMatch(line);
});
