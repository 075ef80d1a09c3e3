import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { HttpRequest, Transport } from '@kmm-fleet/runtime';

export interface ListenOptions {
  /** 0 takes a free one. */
  readonly port?: number;
  /** PEM texts; plain HTTP without. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Bearer token that every request must carry. */
  readonly token?: string;
}

const BODY_BYTES_MAX = 3 * 1024 * 1024;

/** Puts a transport behind a socket on the loopback address. */
export function listen(
  transport: Transport,
  options: ListenOptions,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const answer = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    serve(transport, options.token, incoming, outgoing).catch(() => outgoing.destroy());
  };
  const server = options.tls ? createHttps(options.tls, answer) : createHttp(answer);
  server.keepAliveTimeout = 60_000;
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', () => {
      const address = server.address();
      const port = address && typeof address === 'object' ? address.port : 0;
      const close = () =>
        new Promise<void>((done) => {
          server.close(() => done());
          server.closeAllConnections();
        });
      resolve({ url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`, close });
    });
  });
}

async function serve(
  transport: Transport,
  token: string | undefined,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  if (token && incoming.headers.authorization !== `Bearer ${token}`) {
    outgoing.writeHead(401, { 'content-type': 'application/json' });
    outgoing.end(
      JSON.stringify({
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        message: 'Unauthorized',
        reason: 'Unauthorized',
        code: 401,
      }),
    );
    return;
  }
  const body = await readBody(incoming);
  const leave = new AbortController();
  outgoing.on('close', () => leave.abort());
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
  );
  const request: HttpRequest = {
    method: incoming.method as HttpRequest['method'],
    path: incoming.url ?? '/',
    headers,
    body,
  };
  const response = await transport.request(request, leave.signal);
  outgoing.writeHead(response.status, response.headers);
  // A watcher waits for the headers before the first event.
  outgoing.flushHeaders();
  for await (const piece of response.body) {
    if (!outgoing.write(piece)) await new Promise((resolve) => outgoing.once('drain', resolve));
  }
  outgoing.end();
}

async function readBody(incoming: IncomingMessage): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of incoming as AsyncIterable<Uint8Array>) {
    size += part.byteLength;
    if (size > BODY_BYTES_MAX) throw new RangeError('request body too large');
    parts.push(part);
  }
  return Buffer.concat(parts);
}
