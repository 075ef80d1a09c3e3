import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type ExecSpec, execCredential } from './exec-credential.ts';

let folder: string;
let nowMs: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kmm-exec-'));
  nowMs = Date.parse('2026-01-01T00:00:00Z');
});
afterEach(() => rmSync(folder, { recursive: true }));

const V1 = 'client.authentication.k8s.io/v1';
const answer = (status: object, apiVersion = V1) =>
  JSON.stringify({ apiVersion, kind: 'ExecCredential', status });

/** A plugin that writes down each run and what it was told, then does as `body` says. */
function plugin(body: string, spec: Partial<ExecSpec> = {}) {
  const script = `#!/bin/sh\necho "$1 $GREETING $KUBERNETES_EXEC_INFO" >>${folder}/runs\n${body}\n`;
  writeFileSync(join(folder, 'login'), script, { mode: 0o755 });
  const full: ExecSpec = { apiVersion: V1, command: './login', ...spec };
  const from = { file: join(folder, 'config'), user: 'me', cluster: { server: 'https://kube' } };
  return execCredential(full, from, { PATH: process.env['PATH'] }, () => nowMs);
}
const print = (text: string) => `cat <<'END'\n${text}\nEND`;
const runs = () => readFileSync(join(folder, 'runs'), 'utf8').trim().split('\n');

it('gives the token, and what the plugin was told is what the kubeconfig says', async () => {
  const source = plugin(print(answer({ token: 'abc' })), {
    args: ['get'],
    env: [{ name: 'GREETING', value: 'hello' }],
    provideClusterInfo: true,
  });

  expect(await source.get()).toEqual({ token: 'abc' });
  const [first = ''] = runs();
  expect(first.startsWith('get hello ')).toBe(true);
  expect(JSON.parse(first.slice('get hello '.length))).toEqual({
    apiVersion: V1,
    kind: 'ExecCredential',
    spec: { interactive: false, cluster: { server: 'https://kube' } },
  });
});

it('runs the plugin once for many who ask at once, and again when its credential has ended', async () => {
  const source = plugin(print(answer({ token: 'abc', expirationTimestamp: '2026-01-01T01:00:00Z' })));

  await Promise.all([source.get(), source.get(), source.get()]);
  nowMs += 3_599_000;
  await source.get();
  expect(runs()).toHaveLength(1);
  nowMs += 1_000;
  await source.get();
  expect(runs()).toHaveLength(2);
});

it('runs the plugin again when the server did not accept what it gave', async () => {
  const source = plugin(print(answer({ clientCertificateData: 'cert', clientKeyData: 'key' })));

  expect(await source.get()).toEqual({ clientCert: 'cert', clientKey: 'key' });
  source.forget();
  await source.get();
  expect(runs()).toHaveLength(2);
});

it.each<[string, string, Partial<ExecSpec>, RegExp]>([
  [
    'fails',
    'echo first >&2; echo no luck >&2; exit 3',
    {},
    /login of user me in .*config failed: first\nno luck$/,
  ],
  ['says nothing', 'exit 1', {}, /it said nothing/],
  [
    'is not there',
    '',
    { command: './no', installHint: 'Get it at the shop.' },
    /no .*not installed\. Get it/,
  ],
  ['gives no JSON', 'echo s3cret', {}, /gave no JSON/],
  ['gives something else', print('{"kind":"Pod"}'), {}, /gave no ExecCredential/],
  ['speaks another version', print(answer({ token: 'a' }, 'v9')), {}, /gave no ExecCredential of client/],
  ['gives nothing to show', print(answer({})), {}, /neither a token nor a certificate/],
  ['wants to ask somebody', '', { interactiveMode: 'Always' }, /wants to ask somebody/],
])(
  'says what is wrong with a plugin that %s, and nothing of what it gave',
  async (_what, body, spec, words) => {
    const failed = plugin(body, spec).get();

    await expect(failed).rejects.toThrow(words);
    await expect(failed).rejects.not.toThrow(/s3cret/);
  },
);
