import type { IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { pipeline, Readable } from 'node:stream';
import { createSecureContext, getCACertificates } from 'node:tls';
import { AppError, connectionProblem, http, isAppError } from '@kmm-fleet/runtime';
import { plainText } from './plain-text.ts';

/** One HTTP exchange with a registry: the seam between sockets and the registry of tests. */
export interface RegistryTransport {
  request(request: RegistryRequest, signal?: AbortSignal): Promise<RegistryResponse>;
}

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';
  readonly url: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  /** Accept any certificate. */
  readonly insecureSkipVerify?: boolean;
}

/** Bytes, or what opens them in pieces, each time anew: a request may be sent again. */
export type RequestBody = Uint8Array | { readonly byteLength: number; open(): AsyncIterable<Uint8Array> };

export interface RegistryResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** To be read, or left after an iteration began: only then is the connection free again. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** A registry that says nothing for this long is down. */
const SILENCE_MS = 60_000;

/**
 * Sockets, kept alive per host.
 *
 * @param ca extra certificate authorities, PEM
 * @param silenceMs how long a registry may keep us waiting, for a piece, and in all beyond a millisecond a byte
 */
export function createRegistryTransport(ca?: string, silenceMs = SILENCE_MS): RegistryTransport {
  const plain = new http.Agent({ keepAlive: true });
  // `ca` alone would replace the roots of the system, and with them every public registry.
  // Read once: there are some hundred.
  const roots = ca && createSecureContext({ ca: [...getCACertificates('default'), ca] });
  const strict = new HttpsAgent({ keepAlive: true, ...(roots && { secureContext: roots }) });
  const lax = new HttpsAgent({ keepAlive: true, rejectUnauthorized: false });
  return {
    request: ({ method, url, headers, body, insecureSkipVerify }, signal) =>
      new Promise((resolve, reject) => {
        const target = new URL(url);
        const isPlain = target.protocol === 'http:';
        const send = isPlain ? http.request : httpsRequest;
        const agent = isPlain ? plain : insecureSkipVerify ? lax : strict;
        const length = body ? { 'content-length': String(body.byteLength) } : {};
        const outgoing = send(
          target,
          { method, headers: { ...headers, ...length }, agent, signal },
          (incoming) => {
            const flat = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]);
            const body = method === 'HEAD' ? nothing(incoming) : piecesOf(incoming, target.host, silenceMs);
            resolve({ status: incoming.statusCode ?? 0, headers: Object.fromEntries(flat), body });
          },
        );
        outgoing.setTimeout(silenceMs, () =>
          outgoing.destroy(new Error(`nothing came for ${silenceMs / 1_000} s`)),
        );
        outgoing.on('error', (error) => reject(isAppError(error) ? error : unreachable(target.host, error)));
        // A source that breaks off breaks the request off, with its own words.
        if (body && 'open' in body) pipeline(Readable.from(body.open()), outgoing, () => {});
        else outgoing.end(body);
      }),
  };
}

/** Without a body there is nothing to iterate, and only an answer that was read gives its connection back. */
function nothing(incoming: IncomingMessage): AsyncIterable<Uint8Array> {
  incoming.resume();
  return (async function* () {})();
}

/** No generator: one that is left before its first piece would not run, and would keep the connection. */
function piecesOf(incoming: IncomingMessage, host: string, silenceMs: number): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const pieces: AsyncIterator<Uint8Array> = incoming[Symbol.asyncIterator]();
      // What a reader needs for itself is not held against the registry.
      let waitedMs = 0;
      let received = 0;
      return {
        async next() {
          const startedMs = performance.now();
          const piece = await pieces.next().catch((error: unknown) => {
            throw unreachable(host, error);
          });
          waitedMs += performance.now() - startedMs;
          received += piece.done ? 0 : piece.value.byteLength;
          if (!piece.done && waitedMs > silenceMs + received) {
            incoming.destroy();
            throw unreachable(host, `only ${received} bytes came in ${Math.round(waitedMs / 1_000)} s`);
          }
          return piece;
        },
        async return() {
          incoming.destroy();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

function unreachable(host: string, error: unknown): AppError {
  // Names in certificates are somebody else's text.
  const message = `Registry ${host} cannot be reached: ${plainText(connectionProblem(error)) || 'no answer'}`;
  return new AppError('REGISTRY_UNREACHABLE', message, { cause: error });
}
