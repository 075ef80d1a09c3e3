import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { startNodeTunnel } from './node-tunnel.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Somebody who answers in capitals. */
async function listener(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => socket.write(bytes.toString().toUpperCase()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => server.close());
  return (server.address() as { port: number }).port;
}

async function tunnelTo(kubelets: ReadonlyMap<string, number>): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'kmm-tunnel-'));
  const tunnel = await startNodeTunnel(directory, kubelets);
  ends.push(
    () => rmSync(directory, { recursive: true }),
    () => tunnel.stop(),
  );
  const { egressSelections } = JSON.parse(readFileSync(tunnel.config, 'utf8'));
  return egressSelections[0].connection.transport.uds.udsName;
}

/** As kube-apiserver asks for a connection. */
const connection = (socketPath: string, path: string) =>
  new Promise<Socket>((resolve, reject) => {
    const asking = request({ socketPath, method: 'CONNECT', path });
    asking.once('connect', (_answer, socket) => resolve(socket));
    asking.once('error', reject);
    asking.end();
  });

const ask = async (socket: Socket, text: string) => {
  const heard = new Promise<string>((resolve) => socket.once('data', (bytes) => resolve(bytes.toString())));
  socket.write(text);
  return heard;
};

it('connects to the kubelet of a node, whatever its address is', async () => {
  const socketPath = await tunnelTo(new Map([['plain', await listener()]]));
  const socket = await connection(socketPath, 'plain:10250');

  expect(await ask(socket, 'logs')).toBe('LOGS');
  socket.destroy();
});

it('connects to anybody else as it is asked to', async () => {
  const socketPath = await tunnelTo(new Map());
  const socket = await connection(socketPath, `127.0.0.1:${await listener()}`);

  expect(await ask(socket, 'webhook')).toBe('WEBHOOK');
  socket.destroy();
});

it('refuses a connection that cannot be made, and ends those that are open when it stops', async () => {
  const socketPath = await tunnelTo(new Map([['gone', 1]]));

  await expect(connection(socketPath, 'gone:10250')).rejects.toThrow('hang up');
  const open = await connection(socketPath, `127.0.0.1:${await listener()}`);
  const ended = new Promise((resolve) => open.once('close', resolve));
  for (const end of ends.splice(0).reverse()) await end();
  await ended;
});
