import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { AppError, connectionProblem } from '../errors.ts';
import { http } from '../node-http.ts';
import type { HttpRequest, HttpResponse, Transport } from './client.ts';
import type { Credential } from './exec-credential.ts';
import type { KubeConnection } from './kube-config.ts';

/** Connections kept to one API server: unary requests are limited elsewhere, watches hold one each. */
const SOCKETS_MAX = 256;

/** Requests over node's own HTTP client with one keep-alive agent: one TLS handshake serves thousands of requests. */
export function createHttpTransport(connection: KubeConnection): Transport {
  const base = new URL(connection.server);
  const isPlain = base.protocol === 'http:';
  const { proxyUrl } = connection;
  const proxyEnv = proxyUrl && { HTTPS_PROXY: proxyUrl, HTTP_PROXY: proxyUrl };
  const shared = { keepAlive: true, maxSockets: SOCKETS_MAX, ...(proxyEnv && { proxyEnv }) };
  const agent = isPlain ? new http.Agent(shared) : new HttpsAgent({ ...shared, ...tlsOptions(connection) });
  const send = isPlain ? http.request : httpsRequest;
  const prefix = base.pathname.replace(/\/$/, '');

  return {
    async request({ method, path, headers, body }: HttpRequest, signal) {
      const shown = await credentialOf(connection);
      const response = await new Promise<HttpResponse>((resolve, reject) => {
        const outgoing = send(
          {
            host: base.hostname.replace(/^\[|\]$/g, ''),
            port: base.port || (isPlain ? 80 : 443),
            method,
            path: prefix + path,
            agent,
            headers: {
              ...headers,
              ...connection.headers,
              ...(shown.token && { authorization: `Bearer ${shown.token}` }),
              ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
            },
            // The agent keeps connections of different certificates apart.
            ...(shown.clientCert && { cert: shown.clientCert, key: shown.clientKey }),
          },
          (incoming) =>
            resolve({ status: incoming.statusCode ?? 0, headers: flat(incoming), body: pieces(incoming) }),
        );
        outgoing.on('error', (error) => reject(unreachable(connection.server, error)));
        if (signal) endWith(signal, outgoing);
        outgoing.end(body);
      });
      if (response.status === 401) connection.credentials?.forget();
      return response;
    },
    async close() {
      agent.destroy();
    },
  };
}

/** What the option `signal` of a request does, without a look at the stream's end that costs more than the rest. */
function endWith(signal: AbortSignal, outgoing: ClientRequest): void {
  const end = () => void outgoing.destroy(new Error('The request was ended.', { cause: signal.reason }));
  if (signal.aborted) return end();
  signal.addEventListener('abort', end);
  outgoing.once('close', () => signal.removeEventListener('abort', end));
}

function tlsOptions(connection: KubeConnection) {
  return {
    ...(connection.ca && { ca: connection.ca }),
    ...(connection.clientCert && { cert: connection.clientCert }),
    ...(connection.clientKey && { key: connection.clientKey }),
    ...(connection.tlsServerName && { servername: connection.tlsServerName }),
    rejectUnauthorized: !connection.insecureSkipTlsVerify,
  };
}

/** @throws {AppError} API_UNAUTHORIZED when there is no credential to be had, or none that fits into a header */
async function credentialOf({ server, token, credentials }: KubeConnection): Promise<Credential> {
  try {
    const credential = credentials ? await credentials.get() : { token: token?.() };
    if (credential.token) http.validateHeaderValue('authorization', credential.token);
    return credential;
  } catch (error) {
    const message = `The credential for ${server} cannot be used: ${connectionProblem(error)}`;
    throw new AppError('API_UNAUTHORIZED', message, { cause: error });
  }
}

/** A generator that is left before its first read runs no `finally`, so leaving is watched from outside. */
function pieces(incoming: IncomingMessage): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const reader = read(incoming);
      return {
        next: () => reader.next(),
        return() {
          incoming.destroy();
          return reader.return(undefined);
        },
      };
    },
  };
}

async function* read(incoming: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of incoming) yield piece as Uint8Array;
  } catch (error) {
    throw new AppError('API_UNREACHABLE', `The connection broke: ${connectionProblem(error)}`, {
      cause: error,
    });
  } finally {
    incoming.destroy();
  }
}

function flat(incoming: IncomingMessage): Record<string, string> {
  const entries = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]);
  return Object.fromEntries(entries) as Record<string, string>;
}

function unreachable(server: string, error: unknown): AppError {
  return new AppError('API_UNREACHABLE', `${server} cannot be reached: ${connectionProblem(error)}`, {
    cause: error,
  });
}
