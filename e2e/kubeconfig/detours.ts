import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a server that is not its own address. */
export interface Detour {
  readonly address: string;
  /** Connections so far, by what they asked to be connected to. */
  readonly connections: readonly string[];
  close(): void;
}

/** An HTTP proxy that takes every CONNECT to one server, whatever it names. */
export function startProxy(server: string): Promise<Detour> {
  const connections: string[] = [];
  const proxy = createHttpServer().on('connect', ({ url = '' }, socket: Socket) => {
    connections.push(url);
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    join(socket, server);
  });
  return listen(proxy, '127.0.0.1', connections);
}

/** The same server at an address that its certificate does not have. */
export function startRelay(server: string): Promise<Detour> {
  const connections: string[] = [];
  const relay = createServer((socket) => {
    connections.push(server);
    join(socket, server);
  });
  return listen(relay, '127.0.0.2', connections);
}

function join(socket: Socket, server: string): void {
  const { hostname, port } = new URL(server);
  const upstream = connect(Number(port), hostname);
  upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy());
  socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
  socket.pipe(upstream).pipe(socket);
}

async function listen(server: Server, host: string, connections: readonly string[]): Promise<Detour> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => void sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    address: `${host}:${(server.address() as AddressInfo).port}`,
    connections,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
