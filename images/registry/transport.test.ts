import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createRegistryTransport, type RegistryResponse } from './transport.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server on the loopback address that counts its connections. */
async function serve(listener: RequestListener) {
  const server = createServer(listener);
  const connections = { all: 0, open: 0 };
  server.on('connection', (socket) => {
    connections.all += 1;
    connections.open += 1;
    socket.on('close', () => {
      connections.open -= 1;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => server.close().closeAllConnections());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2/`;
  return { url, connections };
}

/** Registries say the length to a HEAD too; without it node's server ends the connection. */
const sized = (response: ServerResponse) => response.setHeader('content-length', 4);

async function read({ body }: RegistryResponse): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts).toString();
}

it.each(['HEAD', 'GET'] as const)('uses one connection for one %s after the other', async (method) => {
  const { url, connections } = await serve((_request, response) => sized(response).end('text'));
  const transport = createRegistryTransport();

  for (let count = 0; count < 5; count++) {
    const response = await transport.request({ method, url, headers: {} });
    expect(await read(response)).toBe(method === 'HEAD' ? '' : 'text');
  }

  expect(connections.all).toBe(1);
});

it('gives the connection of a HEAD back although nobody reads its answer', async () => {
  const { url, connections } = await serve((_request, response) => sized(response).end());
  const transport = createRegistryTransport();

  for (let count = 0; count < 5; count++) {
    await transport.request({ method: 'HEAD', url, headers: {} });
    await new Promise((resolve) => setImmediate(resolve));
  }

  expect(connections.all).toBeLessThan(5);
});

it.each([
  ['before its first piece', 0],
  ['after its first piece', 1],
])('frees the connection of a body that is left %s', async (_name, pieces) => {
  const { url, connections } = await serve((_request, response) => response.write('x'.repeat(100_000)));
  const response = await createRegistryTransport().request({ method: 'GET', url, headers: {} });
  const iterator = response.body[Symbol.asyncIterator]();
  for (let count = 0; count < pieces; count++) await iterator.next();
  expect(connections.open).toBe(1);

  await iterator.return?.();

  await expect.poll(() => connections.open).toBe(0);
});

it('says REGISTRY_UNREACHABLE when an answer breaks off', async () => {
  const { url } = await serve((_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half');
    setImmediate(() => response.destroy());
  });
  const response = await createRegistryTransport().request({ method: 'GET', url, headers: {} });

  await expect(read(response)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
});

it('says REGISTRY_UNREACHABLE when nobody listens', async () => {
  const request = { method: 'GET', url: 'http://127.0.0.1:1/v2/', headers: {} } as const;

  await expect(createRegistryTransport().request(request)).rejects.toMatchObject({
    code: 'REGISTRY_UNREACHABLE',
    message: expect.stringContaining('127.0.0.1:1'),
  });
});

it('gives up on a registry that sends byte by byte for ever', async () => {
  const { url } = await serve((_request, response) => {
    const drip = setInterval(() => response.write('x'), 10);
    response.once('close', () => clearInterval(drip));
  });
  // Longer than this process stands still on a busy machine: that would be another failure.
  const response = await createRegistryTransport(undefined, 1_000).request({
    method: 'GET',
    url,
    headers: {},
  });

  await expect(read(response)).rejects.toMatchObject({
    code: 'REGISTRY_UNREACHABLE',
    message: expect.stringContaining('bytes came in'),
  });
});
