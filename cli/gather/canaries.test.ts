import { generateKeyPairSync } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { RESOURCES } from '@kmm-fleet/api';
import { createRandom } from '@kmm-fleet/runtime';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mcmObject } from '../../hub/testing/fixtures.ts';
import { apply, putConfigMap, putPod, putSecret, withLogs } from '../testing/gather.ts';
import { createTestHub } from '../testing/hub.ts';
import { kmm } from '../testing/kmm.ts';

const HUB = 'openshift-kmm-hub';
const EAST = 'openshift-kmm';
const world = createTestHub();
const random = createRandom(42);
const canaries: string[] = [];

const token = (alphabet: string, length: number) =>
  Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** A secret that is to be seen nowhere. */
function canary(value = token(LETTERS, 32)): string {
  canaries.push(value);
  return value;
}
/** One that looks like words: only a rule, or its Secret, can tell. */
const word = () => canary(`tweety-bird-${token('abcdefghijklmnopqrstuvwxyz', 6)}`);
const hex = () => canary(token('0123456789abcdef', 40));
const many = <T>(count: number, make: () => T) => Array.from({ length: count }, make);

function pem(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const text = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  for (const line of text.split('\n')) if (line && !line.startsWith('-----')) canary(line);
  return text;
}

function dockerConfig(): string {
  const password = word();
  const auth = Buffer.from(`robot:${password}`).toString('base64');
  canaries.push(auth);
  return JSON.stringify({ auths: { 'registry.example:5000': { username: 'robot', password, auth } } });
}

const logLines = () => [
  `{"level":30,"msg":"pushing","url":"https://robot:${word()}@registry.example/x"}`,
  `Authorization: Bearer ${word()}`,
  `{"headers":{"authorization":"Basic ${canary(Buffer.from(`me:${token(LETTERS, 9)}`).toString('base64'))}"}}`,
  `buildah login -u robot -p ${word()} registry.example`,
  `env: SIGN_PASSPHRASE=${word()} GIT_TOKEN="${word()}"`,
  `refused: ${JSON.stringify({ body: JSON.stringify({ client_secret: word() }) })}`,
  `tail of a token ${canary()} and of an API key ${hex()}`,
  `GET /v2/?access_token=${word()}&service=x`,
  pem(),
  `eyJhbGciOiJSUzI1NiJ9.${canary(token(LETTERS, 60))}.${canary(token(LETTERS, 43))}`,
];

const env = () => [
  { name: 'REGISTRY_PASSWORD', value: word() },
  { name: 'API_KEY', value: hex() },
  { name: 'PROXY', value: `http://user:${word()}@proxy.example:3128` },
  { name: 'UNTOLD', value: canary() },
];

const logs: Record<string, string> = {};
let gathered = '';
let files = new Map<string, string>();

beforeAll(async () => {
  // What Secrets hold, and what repeats it elsewhere in words that no rule knows.
  const known = word();
  await putSecret(world.client, HUB, 'repo-pull-secret', { '.dockerconfigjson': dockerConfig() });
  await putSecret(world.client, HUB, 'signing-key', { key: pem(), passphrase: known });
  await putSecret(
    world.client,
    HUB,
    'many',
    Object.fromEntries(many(20, () => [token('abcdef', 8), canary()])),
  );
  await putSecret(world.eastClient, EAST, 'repo-pull-secret', { '.dockerconfigjson': dockerConfig() });
  await putConfigMap(world.client, HUB, 'my-kmod-dockerfile', {
    dockerfile: `FROM x\nARG GIT_TOKEN=${word()}\nRUN curl -u me:${word()} https://x/${known}\nRUN echo ${canary()}`,
    'config.json': dockerConfig(),
    token: word(),
    'tls.key': pem(),
  });
  await putSecret(world.eastClient, EAST, 'passphrase', { passphrase: known });
  await putConfigMap(world.eastClient, EAST, 'settings', {
    'a.yaml': `auth:\n  password: ${word()}\n`,
    x: hex(),
  });
  const mcm = mcmObject();
  const spec = structuredClone(mcm['spec']) as { moduleSpec: { moduleLoader: { container: object } } };
  Object.assign(spec.moduleSpec.moduleLoader.container, {
    build: {
      dockerfileConfigMap: { name: 'my-kmod-dockerfile' },
      buildArgs: [
        { name: 'GIT_PASSWORD', value: word() },
        { name: 'SOURCE', value: `https://${word()}@git.example/x.git` },
        { name: 'PLAIN', value: canary() },
      ],
    },
  });
  const annotations = {
    'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({
      spec: { password: word(), x: word() },
    }),
    'example.com/note': `token=${word()}`,
  };
  await apply(world.client, RESOURCES.managedClusterModule, {
    ...mcm,
    metadata: { name: mcm.metadata.name, annotations },
    spec,
  });
  for (const [client, namespace] of [
    [world.client, HUB],
    [world.eastClient, EAST],
  ] as const) {
    const args = ['--password', word(), `--token=${word()}`, canary()];
    await putPod(client, namespace, 'operator', {
      spec: { env: env(), args },
      restarts: 1,
      ended: { exitCode: 1, message: `panic: password=${word()} ${known}` },
      annotations: { 'example.com/jwt': `eyJhbGciOiJSUzI1NiJ9.${canary()}` },
    });
    for (const which of ['', '/previous'])
      logs[`${namespace}/operator/manager${which}`] = ['started', ...logLines(), known, 'the end'].join('\n');
  }
  files = new Map();
  for (const [context, flags] of [
    ['hub', ['-u']],
    ['east', []],
  ] as const) {
    const { code, out, err } = await kmm(
      ['gather', ...flags, '--context', context, '--dir', context, '-o', 'json'],
      {
        env: { KUBECONFIG: join(world.folder, 'kubeconfig') },
        transport: (connection) => withLogs(world.transport(connection), logs),
        saved: files,
      },
    );
    if (code !== 0) throw new Error(err);
    gathered += out + err;
  }
  gathered += [...files].flat().join('\n');
});

afterAll(() => rmSync(world.folder, { recursive: true }));

it('leaks none of a hundred secrets, wherever they stood', () => {
  expect(canaries.length).toBeGreaterThanOrEqual(100);
  expect(files.size).toBeGreaterThan(20); // a gather of nothing leaks nothing
  expect(canaries.filter((secret) => gathered.includes(secret))).toEqual([]);
});

it('leaks none in base64 either', () => {
  const encoded = canaries.map((secret) => Buffer.from(secret).toString('base64').replace(/=+$/, ''));
  expect(encoded.filter((secret) => gathered.includes(secret))).toEqual([]);
});

it('keeps what stood around them', () => {
  const text = (path: string) => files.get(path) ?? '';

  expect(
    text('hub/inspect/namespaces/openshift-kmm-hub/pods/operator/manager/manager/logs/previous.log'),
  ).toMatch(/^started\n[\s\S]*https:\/\/<redacted>@registry\.example[\s\S]*the end\n$/);
  expect(text('hub/inspect/namespaces/openshift-kmm-hub/core/configmaps/my-kmod-dockerfile.yaml')).toContain(
    'FROM x',
  );
  expect(text('hub/inspect/namespaces/openshift-kmm-hub/core/secrets/signing-key.yaml')).toMatch(
    /key: <redacted> \(\d+ bytes\)/,
  );
  expect(text('east/inspect/namespaces/openshift-kmm/pods/operator/operator.yaml')).toContain(
    'REGISTRY_PASSWORD',
  );
});
