import { readFileSync } from 'node:fs';
import { Agent, createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import { createServer as createTlsServer, request as sendTls, Agent as TlsAgent } from 'node:https';
import type { Socket } from 'node:net';
import { buffer as readBuffer, text as readText } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CertificateFiles } from '../certificates.ts';
import { freePort } from '../registry.ts';

/** What happens to one request on its way. */
export type ProxyFault =
  /** The proxy answers, and the server never hears of it. */
  | { readonly kind: 'answer'; readonly status: number; readonly retryAfterSeconds?: number }
  /** The connection ends before the server hears of it. */
  | { readonly kind: 'cut-before' }
  /** The server has done it, and the connection ends instead of an answer. */
  | { readonly kind: 'cut-after' }
  /** The server is asked twice, as by a network that sends again; the second answer counts. */
  | { readonly kind: 'twice' }
  | { readonly kind: 'delay'; readonly ms: number }
  /** Nothing happens for that long, then the connection ends. */
  | { readonly kind: 'stall'; readonly ms: number };

export interface ProxiedRequest {
  readonly method: string;
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** What the server answered; of a request that did not reach it, or that it was asked twice, nothing or the last. */
  status?: number;
}

export const isWatch = ({ path }: Pick<ProxiedRequest, 'path'>): boolean => path.includes('watch=');

type Decide = (request: ProxiedRequest) => ProxyFault | undefined;

/** Stands between a client and an API server, and does as a bad network does. */
export interface FaultProxy {
  readonly url: string;
  /** Requests so far, in the order in which they came. */
  readonly requests: readonly ProxiedRequest[];
  /**
   * Asked for each request, in the order in which they were added, until one names a fault. What is returned takes this
   * one back and leaves the others.
   */
  addFault(decide: Decide): () => void;
  /** Open watches tell nothing for that long, then their connections end. Resolves then. */
  stallWatches(ms: number): Promise<void>;
  /** Ends every connection, watches too. */
  cutAll(): void;
  close(): Promise<void>;
}

export interface FaultProxyOptions {
  /** `http:` or `https:`. */
  readonly target: string;
  /** For a client that speaks TLS. */
  readonly certificate?: CertificateFiles;
  /** Of the target, PEM. */
  readonly ca?: string;
}

/** Starts a proxy on a free port of the loopback address. */
export async function startFaultProxy({ target, certificate, ca }: FaultProxyOptions): Promise<FaultProxy> {
  const upstream = new URL(target);
  const isTls = upstream.protocol === 'https:';
  const agent = isTls ? new TlsAgent({ keepAlive: true, ...(ca && { ca }) }) : new Agent({ keepAlive: true });
  const requests: ProxiedRequest[] = [];
  const watches = new Set<{ readonly stall: () => void; readonly socket: Socket }>();
  const faults = new Set<{ readonly decide: Decide }>();

  const forward = (incoming: IncomingMessage, response: ServerResponse, body: Buffer) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const { method = 'GET', headers, url = '/' } = incoming;
      const to = new URL(url, upstream);
      const outgoing = (isTls ? sendTls : send)(to, {
        method,
        agent,
        headers: { ...headers, host: to.host },
      });
      response.once('close', () => outgoing.destroy());
      outgoing
        .once('response', resolve)
        .once('error', reject)
        .end(body.length > 0 ? body : undefined);
    });

  const handle = async (incoming: IncomingMessage, response: ServerResponse) => {
    const { method = 'GET', url: path = '/' } = incoming;
    const request: ProxiedRequest = { method, path, at: Date.now() };
    requests.push(request);
    const fault = firstFault(faults, request);
    const body = await readBuffer(incoming);
    if (fault?.kind === 'answer') return answer(response, fault);
    if (fault?.kind === 'cut-before') return void incoming.socket.destroy();
    if (fault?.kind === 'delay' || fault?.kind === 'stall') await sleep(fault.ms);
    if (fault?.kind === 'stall') return void incoming.socket.destroy();
    if (fault?.kind === 'twice' || fault?.kind === 'cut-after')
      await readText(await forward(incoming, response, body));
    if (fault?.kind === 'cut-after') return void incoming.socket.destroy();
    const answered = await forward(incoming, response, body);
    request.status = answered.statusCode ?? 502;
    response.writeHead(request.status, answered.headers);
    if (isWatch(request)) {
      const watch = { stall: () => void answered.unpipe(response), socket: incoming.socket };
      watches.add(watch);
      response.once('close', () => watches.delete(watch));
    }
    answered.once('error', () => incoming.socket.destroy()).pipe(response);
  };
  const listener = (incoming: IncomingMessage, response: ServerResponse) =>
    void handle(incoming, response).catch(() => incoming.socket.destroy());

  const server = certificate
    ? createTlsServer({ cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) }, listener)
    : createServer(listener);
  const sockets = new Set<Socket>();
  server.on(certificate ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket)).on('error', () => {});
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const cutAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `${certificate ? 'https' : 'http'}://127.0.0.1:${port}`,
    requests,
    addFault(decide) {
      // Two may come with the same function, and each takes back its own.
      const added = { decide };
      faults.add(added);
      return () => void faults.delete(added);
    },
    async stallWatches(ms) {
      const open = [...watches];
      for (const { stall } of open) stall();
      await sleep(ms);
      for (const { socket } of open) socket.destroy();
    },
    cutAll,
    close() {
      cutAll();
      agent.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function firstFault(
  faults: Iterable<{ readonly decide: Decide }>,
  request: ProxiedRequest,
): ProxyFault | undefined {
  for (const { decide } of faults) {
    const fault = decide(request);
    if (fault) return fault;
  }
  return undefined;
}

/** As kube-apiserver says it: a Status object. */
function answer(
  response: ServerResponse,
  { status, retryAfterSeconds }: ProxyFault & { kind: 'answer' },
): void {
  const reason = { 401: 'Unauthorized', 410: 'Expired', 429: 'TooManyRequests' }[status] ?? 'InternalError';
  const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  const message = `the proxy answers ${status}`;
  response.end(
    JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, reason, message }),
  );
}
