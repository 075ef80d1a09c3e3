import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { createSecureContext, getCACertificates } from 'node:tls';
import { AppError } from '@kmm-fleet/runtime';

/** One HTTP exchange with a registry: the seam between sockets and the registry of tests. */
export interface RegistryTransport {
  request(request: RegistryRequest, signal?: AbortSignal): Promise<RegistryResponse>;
}

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';
  readonly url: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Accept any certificate. */
  readonly insecureSkipVerify?: boolean;
}

export interface RegistryResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** A registry that says nothing for this long is down. */
const SILENCE_MS = 60_000;

/** Sockets, kept alive per host. @param ca certificate authorities beside those of node and of the machine, PEM */
export function createRegistryTransport(ca?: string): RegistryTransport {
  const http = new HttpAgent({ keepAlive: true });
  const trusted = [...getCACertificates('default'), ...getCACertificates('system'), ...(ca ? [ca] : [])];
  const strict = new HttpsAgent({ keepAlive: true, secureContext: createSecureContext({ ca: trusted }) });
  const lax = new HttpsAgent({ keepAlive: true, rejectUnauthorized: false });
  return {
    request: ({ method, url, headers, body, insecureSkipVerify }, signal) =>
      new Promise((resolve, reject) => {
        const target = new URL(url);
        const isPlain = target.protocol === 'http:';
        const send = isPlain ? httpRequest : httpsRequest;
        const agent = isPlain ? http : insecureSkipVerify ? lax : strict;
        const length = body ? { 'content-length': String(body.byteLength) } : {};
        const outgoing = send(
          target,
          { method, headers: { ...headers, ...length }, agent, signal },
          (incoming) => {
            const flat = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]);
            resolve({ status: incoming.statusCode ?? 0, headers: Object.fromEntries(flat), body: incoming });
          },
        );
        outgoing.setTimeout(SILENCE_MS, () =>
          outgoing.destroy(new Error(`nothing came for ${SILENCE_MS / 1_000} s`)),
        );
        outgoing.on('error', (error) => reject(unreachable(target.host, error)));
        outgoing.end(body);
      }),
  };
}

function unreachable(host: string, error: Error): AppError {
  const text = error.message || ('code' in error ? String(error.code) : 'no answer');
  return new AppError('REGISTRY_UNREACHABLE', `Registry ${host} cannot be reached: ${text}`, {
    cause: error,
  });
}
