import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createManualClock, createRandom } from '@kmm-fleet/runtime';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createRegistry } from './registry.ts';
import { createRegistryTransport } from './transport.ts';

const ACCESS = { insecure: true };
let server: Server;
let sockets: number;
let status: number;
let reference: string;

beforeEach(async () => {
  sockets = 0;
  status = 404;
  server = createServer((request, response) => {
    request.resume();
    const body = `said ${'x'.repeat(20_000)}`;
    // Without its length the answer to a HEAD would end the connection.
    response.writeHead(status, { 'content-length': String(body.length) }).end(body);
  });
  server.on('connection', () => (sockets += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  reference = `127.0.0.1:${(server.address() as AddressInfo).port}/team/kmod:1`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

it.each([404, 403, 400])('uses one connection again and again, also after HTTP %i', async (answered) => {
  status = answered;
  const registry = createRegistry({
    transport: createRegistryTransport(),
    clock: createManualClock(),
    random: createRandom(1),
  });

  for (let n = 0; n < 5; n += 1) {
    await registry.image(reference, ACCESS).catch(() => {});
    await registry.putBlob(reference, Buffer.from('bytes'), ACCESS).catch(() => {});
  }

  expect(sockets).toBe(1);
});

it('names the registry that cannot be reached', async () => {
  const transport = createRegistryTransport();

  await expect(
    transport.request({ method: 'GET', url: 'http://127.0.0.1:1/v2/', headers: {} }),
  ).rejects.toMatchObject({
    code: 'REGISTRY_UNREACHABLE',
    message: expect.stringContaining('127.0.0.1:1') as string,
  });
});
