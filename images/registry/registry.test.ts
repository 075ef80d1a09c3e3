import { createManualClock, createRandom } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { pullImage } from '../layers/pull-image.ts';
import { signImage } from '../signing/sign-image.ts';
import { verifyModule } from '../signing/verify-module.ts';
import { makeModule } from '../testing/make-module.ts';
import { answer, createMemoryRegistry, type MemoryRegistryOptions } from '../testing/memory-registry.ts';
import { pushImage } from '../testing/push-image.ts';
import { testPair } from '../testing/test-keys.ts';
import { createRegistry } from './registry.ts';

const REF = 'registry.test:5000/team/kmod:1';
const login = { username: 'kmm', password: 's3cret' };
const dockerConfig = JSON.stringify({
  auths: { 'registry.test:5000': { auth: Buffer.from('kmm:s3cret').toString('base64') } },
});

function world(options: MemoryRegistryOptions = {}) {
  const transport = createMemoryRegistry(options);
  const clock = createManualClock();
  return { transport, clock, registry: createRegistry({ transport, clock, random: createRandom(1) }) };
}

it.each([
  ['without a login', {}, {}],
  ['with a basic login', { login: { ...login, scheme: 'Basic' as const } }, { dockerConfig }],
  ['with a token', { login: { ...login, scheme: 'Bearer' as const } }, { dockerConfig }],
])('pushes, resolves and pulls %s', async (_name, options, access) => {
  const { registry } = world(options);

  const digest = await pushImage(registry, REF, access, { '/opt/a': 'hello' }, { made: 'here' });

  expect(await registry.resolve(REF, access)).toBe(digest);
  const pulled = await pullImage(registry, `registry.test:5000/team/kmod@${digest}`, access);
  expect(Buffer.from(pulled.fs.readFile('/opt/a') ?? []).toString()).toBe('hello');
  expect(pulled.config.config?.Labels).toEqual({ made: 'here' });
});

it('resolves a tag with one request once it is logged in, and knows a missing image', async () => {
  const { registry, transport } = world();
  await pushImage(registry, REF, {}, { '/a': 'x' });
  transport.requests.length = 0;

  await registry.resolve(REF, {});

  expect(transport.requests).toEqual(['HEAD /v2/team/kmod/manifests/1']);
  expect(await registry.resolve('registry.test:5000/team/none:1', {})).toBeUndefined();
});

it('says who was refused, and never with which password', async () => {
  const { registry } = world({ login: { ...login, scheme: 'Basic' } });
  const wrong = JSON.stringify({ auths: { 'registry.test:5000': { username: 'kmm', password: 'wr0ng' } } });

  const error = await registry.resolve(REF, { dockerConfig: wrong }).catch((caught: unknown) => caught);

  expect(error).toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
  expect(String(error)).toContain('registry.test:5000/team/kmod');
  expect(String(error)).not.toContain('wr0ng');
});

it('waits as long as a busy registry asks, and then goes on', async () => {
  const { registry, transport, clock } = world();
  await pushImage(registry, REF, {}, { '/a': 'x' });
  let refusals = 2;
  transport.fault = () => (refusals-- > 0 ? answer(429, { 'retry-after': '7' }) : undefined);

  const resolving = registry.resolve(REF, {});
  await clock.advance(20_000);

  expect(await resolving).toMatch(/^sha256:/);
});

it.each([
  ['a registry that is down', () => answer(503), 'REGISTRY_UNREACHABLE'],
  ['garbage instead of a manifest', () => answer(200, {}, 'hello'), 'REGISTRY_INVALID'],
  ['an endless manifest', () => ({ ...answer(200), body: endless() }), 'REGISTRY_INVALID'],
  ['a manifest of something else', () => answer(200, {}, '{"schemaVersion":2}'), 'IMAGE_INVALID'],
])('gives up on %s with a code', async (_name, response, code) => {
  const { registry, transport, clock } = world();
  transport.fault = response;

  const pulling = registry.image(REF, {}).catch((error: unknown) => error);
  await clock.advance(120_000);

  expect(await pulling).toMatchObject({ code });
});

it('does not take bytes that are not what their digest says', async () => {
  const { registry, transport } = world();
  const digest = await pushImage(registry, REF, {}, { '/a': 'x' });
  transport.fault = ({ url, method }) =>
    method === 'GET' && url.includes('/blobs/') ? answer(200, {}, 'other bytes') : undefined;

  await expect(registry.image(`registry.test:5000/team/kmod@${digest}`, {})).rejects.toMatchObject({
    code: 'REGISTRY_INVALID',
  });
});

it('signs the modules of an image into one more layer, the same each time', async () => {
  const { registry } = world();
  const ko = makeModule({ name: 'kmm_a', kernel: '6.1.0' });
  await pushImage(registry, REF, {}, { '/opt/lib/modules/6.1.0/kmm_a.ko': ko, '/etc/other': 'x' });
  const pair = testPair('rsa');
  const request = {
    source: REF,
    sourceAccess: {},
    target: 'registry.test:5000/team/signed:1',
    targetAccess: {},
    files: [],
    pair,
    labels: { hash: 'h' },
  };

  const { digest, signed } = await signImage(registry, request);

  expect(signed).toEqual(['/opt/lib/modules/6.1.0/kmm_a.ko']);
  expect((await signImage(registry, request)).digest).toBe(digest);
  const pulled = await pullImage(registry, request.target, {});
  expect(verifyModule(pulled.fs.readFile(signed[0] ?? '') ?? new Uint8Array(), [pair.certificate])).toBe(
    'signed',
  );
  expect(pulled.manifest.layers).toHaveLength(2);
  expect(pulled.config.config?.Labels).toMatchObject({ hash: 'h' });
});

it.each([
  ['another registry', 'other.test/team/signed:1'],
  ['another repository', 'registry.test:5000/team/signed:1'],
])('a new key uploads to %s what it signed, and no layer that is there', async (_name, target) => {
  const { registry, transport } = world();
  const ko = makeModule({ name: 'kmm_a', kernel: '6.1.0' });
  await pushImage(registry, REF, {}, { '/opt/lib/modules/6.1.0/kmm_a.ko': ko });
  const request = { source: REF, sourceAccess: {}, target, targetAccess: {}, files: [], labels: {} };
  await signImage(registry, { ...request, pair: testPair('rsa') });
  transport.requests.length = 0;

  await signImage(registry, { ...request, pair: testPair('ec') });

  const begun = transport.requests.filter((line) => line.startsWith('POST'));
  expect(begun).toHaveLength(2); // a layer and a config
});

it.each([
  ['is not there', ['/opt/missing.ko'], /opt\/missing.ko, which is not in the image/],
  ['matches nothing', ['/opt/*.ko'], /opt\/\*.ko, which is not in the image/],
])('does not sign when a listed file %s', async (_name, files, message) => {
  const { registry } = world();
  await pushImage(registry, REF, {}, { '/lib/a.ko': makeModule({ name: 'a', kernel: '6' }) });
  const request = {
    source: REF,
    sourceAccess: {},
    target: REF,
    targetAccess: {},
    files,
    pair: testPair('rsa'),
    labels: {},
  };

  await expect(signImage(registry, request)).rejects.toMatchObject({
    code: 'SIGN_FAILED',
    message: expect.stringMatching(message),
  });
});

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield new Uint8Array(1024 * 1024);
}
