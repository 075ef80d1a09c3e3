import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { Clock } from '../clock.ts';
import { createManualClock } from '../manual-clock.ts';
import { TEST_TLS } from '../testing/tls-pair.ts';
import type { HttpRequest } from './client.ts';
import { createHttpTransport } from './http-transport.ts';
import { createKubeClient } from './kube-client.ts';
import { type KubeConnection, loadKubeConnection } from './kube-config.ts';
import { CORE } from './object.ts';
import { readBody } from './read-body.ts';

const GET: HttpRequest = { method: 'GET', path: '/', headers: {} };
const BYTES_MAX = 100_000;
const NODE = { name: 'one' };

/** A server on the loopback and a transport to it; `sockets` has all connections that ever came. */
async function serve(answer: RequestListener, connection: Partial<KubeConnection> = {}) {
  return connect(createServer(answer), 'http', connection);
}

async function connect(server: Server, scheme: string, connection: Partial<KubeConnection>) {
  const sockets: Socket[] = [];
  server.on(scheme === 'https' ? 'secureConnection' : 'connection', (socket: Socket) => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const transport = createHttpTransport({ server: address, ...connection });
  onTestFinished(async () => {
    await transport.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const get = async (path = '/') => {
    const { status, headers, body } = await transport.request({ ...GET, path });
    return { status, headers, text: await readBody(body, BYTES_MAX) };
  };
  return { transport, sockets, get, address };
}

/** How long a client waits for an answer. */
const ANSWER_MS = 65_000;

/** A clock whose waits between tries are over at once, and remembered. */
function hastyClock() {
  const waits: number[] = [];
  const clock: Clock = {
    now: () => 0,
    elapsed: () => 0,
    after(delayMs, run) {
      if (delayMs === ANSWER_MS) return () => {};
      waits.push(delayMs);
      const soon = setImmediate(run);
      return () => clearImmediate(soon);
    },
  };
  return { clock, waits };
}

const clientOf = (transport: ReturnType<typeof createHttpTransport>, clock: Clock, idleMs = 60_000) =>
  createKubeClient({ transport, clock, random: () => 0, userAgent: 'test', idleMs });

/** A body that starts and never ends. */
const endless: RequestListener = (_request, response) => {
  const more = () => {
    while (!response.destroyed && response.write('x'.repeat(10_000)));
  };
  response.on('drain', more);
  more();
};

const freed = (sockets: Socket[]) =>
  vi.waitFor(() => expect(sockets.map(({ closed }) => closed)).toEqual([true]), { interval: 1 });

it('serves requests one after another over one connection, whatever their answers were', async () => {
  const { get, sockets } = await serve((request, response) => {
    response.writeHead(Number(request.url?.slice(1))).end('x'.repeat(50_000));
  });

  for (const status of [200, 404, 500, 200]) expect((await get(`/${status}`)).status).toBe(status);

  expect(sockets).toHaveLength(1);
});

it('sends what it was given, under the path of the server and with the token', async () => {
  const { address } = await serve(({ method, url, headers }, response) => {
    const { authorization, accept, 'content-length': length } = headers;
    response.end(JSON.stringify({ method, url, authorization, accept, length }));
  });
  const transport = createHttpTransport({ server: `${address}/proxy/`, token: () => 'secret' });
  onTestFinished(() => transport.close());

  const request = { method: 'PUT', path: '/api?x=1', headers: { accept: 'a/b' }, body: 'grün' } as const;
  const { body } = await transport.request(request);

  expect(JSON.parse(await readBody(body, BYTES_MAX))).toEqual({
    method: 'PUT',
    url: '/proxy/api?x=1',
    authorization: 'Bearer secret',
    accept: 'a/b',
    length: '5',
  });
});

it('frees the connection of a request that is given up before its answer', async () => {
  const life = new AbortController();
  const { transport, sockets } = await serve(() => life.abort());

  await expect(transport.request(GET, life.signal)).rejects.toMatchObject({ code: 'API_UNREACHABLE' });

  await freed(sockets);
});

it('frees the connection of a request that is given up in its body', async () => {
  const life = new AbortController();
  const { transport, sockets } = await serve((_request, response) => response.write('half'));
  const { body } = await transport.request(GET, life.signal);
  const reading = readBody(body, BYTES_MAX);
  life.abort();

  await expect(reading).rejects.toMatchObject({ code: 'API_UNREACHABLE' });

  await freed(sockets);
});

it.each([0, 1])('frees the connection of a body that is left after %i reads', async (reads) => {
  const { transport, sockets } = await serve(endless);
  const { body } = await transport.request(GET);
  const iterator = body[Symbol.asyncIterator]();
  for (let read = 0; read < reads; read++) await iterator.next();

  await iterator.return?.();

  await freed(sockets);
  expect(await iterator.next()).toMatchObject({ done: true });
});

it('leaves a connection to others when an old request is given up after its end', async () => {
  const life = new AbortController();
  const { transport, get, sockets } = await serve((_request, response) => response.end('ok'));
  const { body } = await transport.request(GET, life.signal);
  await readBody(body, BYTES_MAX);
  const next = get();
  life.abort();

  expect((await next).text).toBe('ok');
  expect(sockets).toHaveLength(1);
});

it.each<[string, RequestListener]>([
  ['before its answer', (request) => request.socket.destroy()],
  [
    'in its body',
    (request, response) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('half', () => request.socket.destroy());
    },
  ],
  ['with nonsense', (request) => request.socket.end('what?\r\n\r\n')],
])('says that the server cannot be reached when it hangs up %s', async (_when, answer) => {
  const { get } = await serve(answer);

  await expect(get()).rejects.toMatchObject({ name: 'AppError', code: 'API_UNREACHABLE' });
});

it('names the server that refuses connections', async () => {
  const { address, get, transport } = await serve((_request, response) => response.end());
  await get();
  await transport.close();
  const nobody = createHttpTransport({ server: address.replace(/:\d+$/, ':1') });

  await expect(nobody.request(GET)).rejects.toThrow(
    /^http:\/\/127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED/,
  );
});

it('reads a token file again when it was changed a minute ago, or when its token is not accepted any more', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'token-'));
  const now = vi.spyOn(performance, 'now').mockReturnValue(0);
  onTestFinished(() => {
    now.mockRestore();
    rmSync(folder, { recursive: true });
  });
  const users = [{ name: 'u', user: { tokenFile: 'token' } }];
  const clusters = [{ name: 'c', cluster: { server: 'http://127.0.0.1' } }];
  const contexts = [{ name: 'x', context: { cluster: 'c', user: 'u' } }];
  writeFileSync(
    join(folder, 'config'),
    JSON.stringify({ 'current-context': 'x', clusters, users, contexts }),
  );
  const write = (token: string) => writeFileSync(join(folder, 'token'), token);
  write('first\n');
  const { server: _, ...user } = await loadKubeConnection({}, { kubeconfig: join(folder, 'config') });
  const { get } = await serve(({ headers: { authorization } }, response) => {
    response.writeHead(authorization === 'Bearer gone' ? 401 : 200).end(authorization);
  }, user);
  const after = async (ms: number) => {
    now.mockReturnValue(ms);
    return (await get()).text;
  };

  expect(await after(0)).toBe('Bearer first');
  write('second\n');
  expect(await after(59_000)).toBe('Bearer first');
  expect(await after(61_000)).toBe('Bearer second');
  rmSync(join(folder, 'token'));
  expect(await after(200_000)).toBe('Bearer second');
  write('gone');
  expect(await after(300_000)).toBe('Bearer gone');
  write('third');
  expect(await after(300_001)).toBe('Bearer third');
});

it.each<[string, KubeConnection['token']]>([
  [
    'cannot be read',
    () => {
      throw new Error('no such file: /token');
    },
  ],
  ['is not a token', () => 'a\nb'],
])('says so with a code when the token %s', async (_what, token) => {
  const { get } = await serve((_request, response) => response.end(), { ...(token && { token }) });

  await expect(get()).rejects.toMatchObject({ name: 'AppError', code: 'API_UNAUTHORIZED' });
});

const status = (reason: string) => JSON.stringify({ kind: 'Status', reason, message: `it is ${reason}` });

it.each<[number, string, string, string?]>([
  [401, status('Unauthorized'), 'API_UNAUTHORIZED', 'GET /api/v1/nodes/one: 401 it is Unauthorized'],
  [403, status('Forbidden'), 'API_FORBIDDEN'],
  [409, status('Conflict'), 'CONFLICT'],
  [409, status('AlreadyExists'), 'ALREADY_EXISTS'],
  [410, status('Expired'), 'WATCH_EXPIRED'],
  [422, status('Invalid'), 'API_INVALID'],
  [429, 'slow down', 'API_THROTTLED', 'GET /api/v1/nodes/one: 429 slow down'],
  [500, status('InternalError'), 'API_ERROR'],
  [502, '<html>Bad Gateway', 'API_ERROR', 'GET /api/v1/nodes/one: 502 <html>Bad Gateway'],
  [500, '', 'API_ERROR', 'GET /api/v1/nodes/one: 500'],
  [500, 'null', 'API_ERROR'],
  [302, '', 'API_ERROR'],
  [200, '<html>', 'API_ERROR', 'GET /api/v1/nodes/one: the answer is not JSON.'],
  [200, '', 'API_ERROR'],
  [200, 'null', 'API_ERROR', 'GET /api/v1/nodes/one: the answer is not an object.'],
  [200, '[]', 'API_ERROR'],
  [200, '{}', 'API_ERROR'],
])('turns %i %s into %s', async (code, body, expected, message) => {
  const { transport } = await serve((_request, response) => response.writeHead(code).end(body));
  const client = clientOf(transport, hastyClock().clock);

  const failure = { code: expected, ...(message !== undefined && { message }) };
  await expect(client.get(CORE.node, NODE)).rejects.toMatchObject(failure);
});

it('takes what is not there for no object, and its removal for done', async () => {
  const { transport } = await serve((_request, response) => response.writeHead(404).end(status('NotFound')));
  const client = clientOf(transport, hastyClock().clock);

  expect(await client.get(CORE.node, NODE)).toBeUndefined();
  expect(await client.delete(CORE.node, NODE)).toBe(false);
});

it.each<[string, number[]]>([
  ['7', [7_000, 7_000, 7_000, 7_000]],
  ['100000', [300_000, 300_000, 300_000, 300_000]],
  ['Fri, 31 Dec 1999 23:59:59 GMT', [125, 250, 500, 1_000]],
])('waits as long as Retry-After %s asks, and not for ever', async (retryAfter, expected) => {
  let requests = 0;
  const { transport } = await serve((_request, response) => {
    requests += 1;
    response.writeHead(429, { 'retry-after': retryAfter }).end();
  });
  const { clock, waits } = hastyClock();

  await expect(clientOf(transport, clock).get(CORE.node, NODE)).rejects.toThrow('429');

  expect(waits).toEqual(expected);
  expect(requests).toBe(5);
});

it.each([
  ['create', 1],
  ['replace', 5],
] as const)('sends a %s that nobody answered %i times', async (verb, expected) => {
  let requests = 0;
  const { transport } = await serve((request) => {
    requests += 1;
    request.socket.destroy();
  });
  const node = { apiVersion: 'v1', kind: 'Node', metadata: NODE };
  const client = clientOf(transport, hastyClock().clock);

  await expect(client[verb](CORE.node, node)).rejects.toMatchObject({ code: 'API_UNREACHABLE' });

  expect(requests).toBe(expected);
});

it.each<[string, RequestListener]>([
  ['never answers', () => {}],
  ['stops in its answer', (_request, response) => response.write('{')],
])('gives up a request to a server that %s, and frees its connection', async (_how, answer) => {
  const arrived = Promise.withResolvers<void>();
  const { transport, sockets } = await serve((request, response) => {
    answer(request, response);
    arrived.resolve();
  });
  const clock = createManualClock();
  const created = clientOf(transport, clock).create(CORE.node, {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: NODE,
  });
  created.catch(() => {});
  await arrived.promise;
  await clock.advance(ANSWER_MS);

  await expect(created).rejects.toMatchObject({ code: 'API_UNREACHABLE' });
  await freed(sockets);
  expect(clock.pending()).toBe(0);
});

it('reads no more than it may of an endless body, and hangs up', async () => {
  const { get, sockets } = await serve(endless);

  await expect(get()).rejects.toMatchObject({ code: 'API_ERROR' });

  await freed(sockets);
});

it('gives up a watch that brings nothing, and its connection', async () => {
  const arrived = Promise.withResolvers<void>();
  const { transport, sockets } = await serve((_request, response) => {
    response.writeHead(200).flushHeaders();
    arrived.resolve();
  });
  const clock = createManualClock();
  const watch = clientOf(transport, clock).watch(CORE.node, { resourceVersion: '1' });
  const first = watch[Symbol.asyncIterator]().next();
  first.catch(() => {});
  await arrived.promise;
  await clock.advance(60_000);

  await expect(first).rejects.toMatchObject({ code: 'WATCH_IDLE' });
  await freed(sockets);
  expect(clock.pending()).toBe(0);
});

const ofTls: [string, Partial<KubeConnection>, string][] = [
  ['a CA and the name in the certificate', { ca: TEST_TLS.cert, tlsServerName: 'kube.test' }, 'stranger'],
  ['no check at all', { insecureSkipTlsVerify: true }, 'stranger'],
  [
    'a client certificate',
    { insecureSkipTlsVerify: true, clientCert: TEST_TLS.cert, clientKey: TEST_TLS.key },
    'kube.test',
  ],
  ['a CA but another name', { ca: TEST_TLS.cert }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['no CA', { tlsServerName: 'kube.test' }, 'SELF_SIGNED'],
];

it.each(ofTls)('speaks TLS with %s', async (_how, connection, expected) => {
  const options = { ...TEST_TLS, ca: TEST_TLS.cert, requestCert: true, rejectUnauthorized: false };
  const server = createTlsServer(options, ({ socket }, response) => {
    const tls = socket as TLSSocket;
    response.end(tls.authorized ? tls.getPeerCertificate().subject.CN : 'stranger');
  });
  const { get, sockets } = await connect(server, 'https', connection);
  const outcome = async () => {
    try {
      return (await get()).text;
    } catch (error) {
      return ((error as Error).cause as { code: string }).code;
    }
  };

  expect(await outcome()).toContain(expected);
  await outcome();
  expect(sockets.length).toBeLessThanOrEqual(expected.includes('_') ? 2 : 1);
});
