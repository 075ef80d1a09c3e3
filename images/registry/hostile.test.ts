import { createManualClock, createRandom } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { answer, createMemoryRegistry } from '../testing/memory-registry.ts';
import { pushImage } from '../testing/push-image.ts';
import { createRegistry } from './registry.ts';
import type { RegistryRequest, RegistryResponse } from './transport.ts';
import type { RegistryAccess } from './types.ts';

const HOST = 'registry.test:5000';
const REF = `${HOST}/team/kmod:1`;
const auths = { [HOST]: { username: 'kmm', password: 's3cret-w0rd' } };
const access: RegistryAccess = { dockerConfig: JSON.stringify({ auths }) };
const BEARER = { 'www-authenticate': `Bearer realm="https://${HOST}/token",service="x"` };

/** A registry that answers as it likes, and all that it was sent. */
async function hostile(fault: (request: RegistryRequest, count: number) => RegistryResponse | undefined) {
  const transport = createMemoryRegistry();
  const clock = createManualClock();
  const registry = createRegistry({ transport, clock, random: createRandom(1) });
  const digest = await pushImage(registry, REF, {}, { '/a': 'x' });
  const seen: RegistryRequest[] = [];
  transport.fault = (request) => fault(request, seen.push(request));
  /** What a call ends with, all its waiting done. */
  const outcome = async (promise: Promise<unknown>) => {
    const caught = promise.catch((error: unknown) => error);
    await clock.advance(200_000);
    return caught;
  };
  return { registry, clock, digest, seen, outcome };
}

const sentTo = (seen: readonly RegistryRequest[], host: string) =>
  seen.filter(({ url }) => new URL(url).host === host);

it('asks for a login once, however often the registry wants one', async () => {
  const { registry, seen, outcome } = await hostile(({ url }) =>
    url.includes('/token') ? answer(200, {}, '{"token":"t"}') : answer(401, BEARER),
  );

  expect(await outcome(registry.resolve(REF, access))).toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
  expect(seen).toHaveLength(3);
});

/** A registry with tokens. What `spoils` answers ends all tokens that were given until then. */
function withTokens(spoils: (request: RegistryRequest) => RegistryResponse | undefined) {
  let [given, refused] = [0, 0];
  return (request: RegistryRequest) => {
    const { url, headers } = request;
    if (url.includes('/token')) return answer(200, {}, `{"token":"t${++given}"}`);
    const token = Number(/^Bearer t(\d+)$/.exec(headers['authorization'] ?? '')?.[1] ?? 0);
    if (token <= refused) return answer(401, BEARER);
    const response = spoils(request);
    if (response) refused = given;
    return response;
  };
}

it.each([
  ['the upload is lost with it', 404, ['PUT', 'POST', 'GET', 'POST', 'PUT']],
  ['it ends before the bytes come', 401, ['PUT', 'GET', 'PUT']],
])('a token that expires during an upload is fetched anew: %s', async (_name, status, methods) => {
  let puts = 0;
  const { registry, seen, outcome } = await hostile(
    withTokens(({ method }) => (method === 'PUT' && puts++ === 0 ? answer(status, BEARER) : undefined)),
  );

  expect(await outcome(registry.putBlob(REF, Buffer.from('new'), access))).toBeUndefined();
  expect(seen.map(({ method }) => method)).toEqual(['HEAD', 'GET', 'HEAD', 'POST', ...methods]);
});

it('a token that is refused as soon as it was given blames the login, and is fetched once for a request', async () => {
  const { registry, seen, outcome } = await hostile(
    withTokens(({ method }) => (method === 'POST' ? answer(401, BEARER) : undefined)),
  );

  const putting = registry.putBlob(REF, Buffer.from('new'), access);

  expect(await outcome(putting)).toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
  expect(seen.map(({ method }) => method)).toEqual(['HEAD', 'GET', 'HEAD', 'POST', 'GET', 'POST']);
});

it('a password that is refused is not sent again', async () => {
  const { registry, seen, outcome } = await hostile(({ method, headers }) =>
    method === 'POST' || !headers['authorization']
      ? answer(401, { 'www-authenticate': 'Basic realm="x"' })
      : undefined,
  );

  const putting = registry.putBlob(REF, Buffer.from('new'), access);

  expect(await outcome(putting)).toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
  expect(seen.map(({ method }) => method)).toEqual(['HEAD', 'HEAD', 'POST']);
});

it.each([
  [404, 'REGISTRY_UNREACHABLE'],
  [416, 'REGISTRY_UNREACHABLE'],
  [400, 'REGISTRY_INVALID'],
])(
  'an upload that is lost each time is tried three times; HTTP %i at the end is %s',
  async (status, code) => {
    const { registry, seen, outcome } = await hostile(({ method, url }) =>
      method === 'PUT' && url.includes('/uploads/') ? answer(status) : undefined,
    );

    expect(await outcome(registry.putBlob(REF, Buffer.from('new'), {}))).toMatchObject({ code });
    expect(seen.filter(({ method }) => method === 'PUT')).toHaveLength(3);
  },
);

it.each([
  ['seconds', '7', 7_000],
  ['a date', new Date(Date.UTC(2026, 0, 1, 0, 0, 9)).toUTCString(), 9_000],
  ['an hour, which is cut short', '3600', 30_000],
])('waits after a 429 with Retry-After in %s', async (_name, header, waitMs) => {
  const { registry, clock, seen } = await hostile((_request, count) =>
    count === 1 ? answer(429, { 'retry-after': header }) : undefined,
  );
  const resolving = registry.resolve(REF, {});

  await clock.advance(waitMs - 1);
  expect(seen).toHaveLength(1);
  await clock.advance(1);
  expect(await resolving).toMatch(/^sha256:/);
});

it.each([
  ['nonsense', 'soon'],
  ['a date that has gone by', 'Thu, 01 Jan 1970 00:00:00 GMT'],
  ['a negative number', '-5'],
])('waits its own time when Retry-After is %s, and gives up in the end', async (_name, header) => {
  const { registry, clock, seen, outcome } = await hostile(() => answer(429, { 'retry-after': header }));
  const resolving = registry.resolve(REF, {});

  await clock.advance(200);
  expect(seen).toHaveLength(1);
  expect(await outcome(resolving)).toMatchObject({ code: 'REGISTRY_THROTTLED' });
  expect(seen).toHaveLength(4);
});

it.each<[string, RegistryResponse]>([
  ['a redirect to no address', answer(307, { location: 'https://[' })],
  ['a redirect without an address', answer(307)],
  ['a redirect to a file', answer(307, { location: 'file:///etc/passwd' })],
  ['a redirect to plain HTTP', answer(307, { location: `http://${HOST}/v2/x` })],
  ['a login at no address', answer(401, { 'www-authenticate': 'Bearer realm="https://["' })],
  ['a login over plain HTTP', answer(401, { 'www-authenticate': 'Bearer realm="http://evil.test/"' })],
])('gives up on %s with a code, and sends nothing there', async (_name, response) => {
  const { registry, seen, outcome } = await hostile(() => response);

  expect(await outcome(registry.image(REF, access))).toMatchObject({ code: 'REGISTRY_INVALID' });
  expect(sentTo(seen, HOST)).toEqual(seen);
  expect(seen.every(({ url }) => url.startsWith('https:'))).toBe(true);
});

it.each([
  ['no JSON', '<html>'],
  ['no token', '{}'],
  ['a token with a header in it', '{"token":"a\\r\\nhost: evil"}'],
  ['an endless token', `{"token":"${'a'.repeat(1_000_000)}"}`],
])('gives up on a login that gives %s', async (_name, text) => {
  const { registry, outcome } = await hostile(({ url }) =>
    url.includes('/token') ? answer(200, {}, text) : answer(401, BEARER),
  );

  expect(await outcome(registry.resolve(REF, access))).toMatchObject({ code: 'REGISTRY_INVALID' });
});

it.each(['https://storage.test/blob', '//storage.test/blob'])(
  'follows a redirect to %s without its credentials',
  async (location) => {
    const { registry, digest, seen, outcome } = await hostile(({ url, headers }) => {
      if (url.startsWith('https://storage.test')) return answer(401, BEARER);
      if (!headers['authorization']) return answer(401, { 'www-authenticate': 'Basic realm="x"' });
      return answer(307, { location });
    });

    await outcome(registry.image(`${HOST}/team/kmod@${digest}`, access));

    const there = sentTo(seen, 'storage.test');
    expect(there).toHaveLength(1);
    expect(there[0]?.headers).not.toHaveProperty('authorization');
    expect(sentTo(seen, HOST).at(-1)?.headers).toHaveProperty('authorization');
  },
);

it('ends a chain of redirects', async () => {
  const { registry, seen, outcome } = await hostile(() => answer(302, { location: '/v2/again' }));

  expect(await outcome(registry.image(REF, {}))).toMatchObject({ code: 'REGISTRY_INVALID' });
  expect(seen.length).toBeLessThan(10);
});

it.each([
  'https://evil.test/upload',
  'https://registry.test/upload',
  'https://[',
  'ftp://registry.test:5000/',
])('sends no upload to %s', async (location) => {
  const { registry, seen, outcome } = await hostile(({ method }) =>
    method === 'POST' ? answer(202, { location }) : undefined,
  );

  const putting = registry.putBlob(REF, Buffer.from('new'), access);

  expect(await outcome(putting)).toMatchObject({ code: 'REGISTRY_INVALID' });
  expect(seen.map(({ method }) => method)).toEqual(['HEAD', 'POST']);
});

it('keeps an upload on TLS when the registry behind a proxy names plain HTTP', async () => {
  const { registry, seen, outcome } = await hostile(({ method }) =>
    method === 'POST'
      ? answer(202, { location: `http://${HOST}/v2/team/kmod/blobs/uploads/1?a=b` })
      : undefined,
  );

  await outcome(registry.putBlob(REF, Buffer.from('new'), access));

  expect(seen.at(-1)).toMatchObject({
    method: 'PUT',
    url: expect.stringMatching(/^https:.*uploads\/1\?a=b&digest=sha256%3A/),
  });
});

it.each(['HEAD', 'GET'])('does not believe a %s that answers a digest with another', async (wanted) => {
  const { registry, digest, outcome } = await hostile(({ method }) => {
    if (method !== wanted) return undefined;
    return answer(200, { 'docker-content-digest': `sha256:${'1'.repeat(64)}` }, '{}');
  });
  const reference = `${HOST}/team/kmod@${digest}`;

  const asking = wanted === 'HEAD' ? registry.resolve(reference, {}) : registry.image(reference, {});

  expect(await outcome(asking)).toMatchObject({ code: 'REGISTRY_INVALID' });
});

it('tells what the registry says in one bounded line, without control characters or the password', async () => {
  const message = `\u001b[31mdenied\r\nto s3cret-w0rd \u202e${'long '.repeat(1_000)}`;
  const body = JSON.stringify({ errors: [{ code: 'DENIED', message }] });
  const { registry, outcome } = await hostile(() => answer(403, {}, body));

  const error = await outcome(registry.resolve(REF, access));

  expect(error).toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
  const text = (error as Error).message;
  expect(text).toContain('DENIED: denied to *** long');
  expect(text).not.toMatch(/\p{Cc}|\p{Cf}/u);
  expect(text.length).toBeLessThan(500);
});

it.each([
  ['endless', () => endless()],
  ['broken off', () => broken()],
])('tells the status when the error text is %s', async (_name, body) => {
  const { registry, outcome } = await hostile(() => ({ ...answer(403), body: body() }));

  expect(await outcome(registry.resolve(REF, access))).toMatchObject({
    code: 'REGISTRY_UNAUTHORIZED',
    message: expect.stringContaining('HTTP 403'),
  });
});

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield new Uint8Array(64 * 1024);
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('{"errors":');
  throw new Error('reset');
}
