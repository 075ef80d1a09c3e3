import type { ImageReference } from '@kmm-fleet/api';
import { AppError, type Clock, type Random, sleep } from '@kmm-fleet/runtime';
import { z } from 'zod';
import { readBytes } from './bytes.ts';
import { type Credentials, credentialsFor } from './credentials.ts';
import type { RegistryRequest, RegistryResponse, RegistryTransport } from './transport.ts';
import type { RegistryAccess } from './types.ts';

export interface SessionPorts {
  readonly transport: RegistryTransport;
  readonly clock: Clock;
  readonly random: Random;
}

/** Requests to one repository, logged in as the registry asks for it. */
export interface Session {
  send(
    method: RegistryRequest['method'],
    path: string,
    options?: { headers?: Record<string, string>; body?: Uint8Array; action?: 'pull' | 'pull,push' },
    signal?: AbortSignal,
  ): Promise<RegistryResponse>;
  /** Names the repository in messages. */
  readonly name: string;
}

const TRIES_MAX = 4;
const WAIT_MS_MAX = 30_000;
const REDIRECTS_MAX = 5;
const TOKEN_BYTES_MAX = 64 * 1024;
/** Visible ASCII: what fits into a header. */
const HEADER_TEXT = /^[\x21-\x7e]+$/;
const Token = z.looseObject({ token: z.string().optional(), access_token: z.string().optional() });

export function createSession(
  ports: SessionPorts,
  reference: ImageReference,
  access: RegistryAccess,
): Session {
  const { registry, repository } = reference;
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry;
  const base = `${access.insecure ? 'http' : 'https'}://${host}/v2/${repository}`;
  const credentials = access.dockerConfig
    ? credentialsFor(access.dockerConfig, registry, repository)
    : undefined;
  const name = `${registry}/${repository}`;
  /** Authorization header per action, once the registry has asked for one. */
  const authorizations = new Map<string, string>();

  const once = async (request: RegistryRequest, action: string, signal?: AbortSignal) => {
    const first = await ports.transport.request(withAuth(request, authorizations.get(action)), signal);
    const challenge = first.headers['www-authenticate'];
    if (first.status !== 401 || !challenge || authorizations.has(action)) return first;
    await discard(first);
    const authorization = await authorize(challenge, action, signal);
    if (!authorization) return first;
    authorizations.set(action, authorization);
    return ports.transport.request(withAuth(request, authorization), signal);
  };

  const authorize = async (
    challenge: string,
    action: string,
    signal?: AbortSignal,
  ): Promise<string | undefined> => {
    const basic =
      credentials &&
      `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
    if (/^basic/i.test(challenge)) return basic;
    const realm = parameter(challenge, 'realm');
    if (!/^bearer/i.test(challenge) || !realm) return undefined;
    const url = urlOf(realm, undefined, name);
    // Passwords go there.
    if (url.protocol !== 'https:' && !access.insecure)
      throw new AppError('REGISTRY_INVALID', `${name}: the login at ${url.host} is not over https.`);
    const service = parameter(challenge, 'service');
    if (service) url.searchParams.set('service', service);
    url.searchParams.set('scope', `repository:${repository}:${action}`);
    const headers: Record<string, string> = basic ? { authorization: basic } : {};
    const answer = await ports.transport.request(
      { method: 'GET', url: url.href, headers, ...tls(access) },
      signal,
    );
    if (answer.status !== 200) {
      await discard(answer);
      throw statusError(answer.status, `${name}: the login at ${url.host} was refused`, credentials);
    }
    const parsed = Token.safeParse(parseJson(await readBytes(answer.body, TOKEN_BYTES_MAX, name)));
    const token = parsed.data?.token ?? parsed.data?.access_token;
    if (!token || !HEADER_TEXT.test(token))
      throw new AppError('REGISTRY_INVALID', `${name}: the login at ${url.host} gave no token.`);
    return `Bearer ${token}`;
  };

  const follow = async (request: RegistryRequest, action: string, signal?: AbortSignal) => {
    let response = await once(request, action, signal);
    let url = request.url;
    for (let hop = 0; isRedirect(response.status) && request.method !== 'POST'; hop++) {
      if (hop >= REDIRECTS_MAX) throw new AppError('REGISTRY_INVALID', `${name}: too many redirects.`);
      await discard(response);
      const target = urlOf(response.headers['location'] ?? '', url, name);
      if (target.protocol === 'http:' && !access.insecure) {
        throw new AppError('REGISTRY_INVALID', `${name}: redirect from https to http was not followed.`);
      }
      url = target.href;
      // Credentials are the registry's: a storage host behind a redirect does not get them.
      const sameHost = target.host === new URL(request.url).host;
      response = sameHost
        ? await once({ ...request, url }, action, signal)
        : await ports.transport.request({ ...request, url }, signal);
    }
    return response;
  };

  return {
    name,
    async send(method, path, { headers = {}, body, action = 'pull' } = {}, signal) {
      const url = path.startsWith('http')
        ? sameHostUrl(path, base, name)
        : path.startsWith('/v2/')
          ? new URL(path, base).href
          : base + path;
      const request: RegistryRequest = { method, url, headers, ...(body && { body }), ...tls(access) };
      for (let attempt = 1; ; attempt++) {
        const outcome = await follow(request, action, signal).catch((error: unknown) => error);
        const retryable =
          outcome instanceof Error ? isUnreachable(outcome) : isBusy((outcome as RegistryResponse).status);
        if (!retryable || attempt >= TRIES_MAX || signal?.aborted) {
          if (outcome instanceof Error) throw outcome;
          return settled(method, outcome as RegistryResponse);
        }
        const retryAfter = outcome instanceof Error ? 0 : retryAfterSeconds(outcome as RegistryResponse);
        if (!(outcome instanceof Error)) await discard(outcome as RegistryResponse);
        const waitMs = Math.max(retryAfter * 1_000, 250 * 2 ** attempt * (0.5 + ports.random() / 2));
        await sleep(ports.clock, Math.min(waitMs, WAIT_MS_MAX), signal);
      }
    },
  };
}

/** The error for an answer that is not what was asked for. */
export function statusError(status: number, what: string, credentials?: Credentials): AppError {
  const code =
    status === 401 || status === 403
      ? 'REGISTRY_UNAUTHORIZED'
      : status === 429
        ? 'REGISTRY_THROTTLED'
        : status >= 500
          ? 'REGISTRY_UNREACHABLE'
          : 'REGISTRY_INVALID';
  const login = code === 'REGISTRY_UNAUTHORIZED' && !credentials ? ' (no credentials were given)' : '';
  return new AppError(code, `${what}: HTTP ${status}${login}.`);
}

/** An upload location must stay at the registry: credentials go with it. */
function sameHostUrl(location: string, base: string, name: string): string {
  const [to, from] = [urlOf(location, undefined, name), new URL(base)];
  if (to.host === from.host && to.protocol === from.protocol) return location;
  throw new AppError('REGISTRY_INVALID', `${name}: the upload was sent to another host.`);
}

const tls = (access: RegistryAccess) => (access.insecureSkipTLSVerify ? { insecureSkipVerify: true } : {});
const isRedirect = (status: number) => status >= 301 && status <= 308 && status !== 304;
const isBusy = (status: number) => status === 429 || status >= 500;
const isUnreachable = (error: Error) => error instanceof AppError && error.code === 'REGISTRY_UNREACHABLE';
const parameter = (challenge: string, name: string) =>
  new RegExp(`${name}="([^"]*)"`, 'i').exec(challenge)?.[1];

/** What nobody reads is taken off the connection: answers to anything but GET, and what errors say of themselves. */
async function settled(method: string, response: RegistryResponse): Promise<RegistryResponse> {
  if (method !== 'GET' || response.status >= 400) await discard(response);
  return response;
}

/** Seconds; a date, as the header may also hold, is left to our own waiting. */
function retryAfterSeconds({ headers }: RegistryResponse): number {
  const seconds = Number(headers['retry-after'] ?? 0);
  return Number.isFinite(seconds) ? seconds : 0;
}

function urlOf(text: string, base: string | undefined, name: string): URL {
  const url = URL.parse(text, base);
  if (url && /^https?:$/.test(url.protocol)) return url;
  throw new AppError(
    'REGISTRY_INVALID',
    `${name}: the registry sent us to "${text.slice(0, 100)}", which is no URL.`,
  );
}

function withAuth(request: RegistryRequest, authorization: string | undefined): RegistryRequest {
  return authorization ? { ...request, headers: { ...request.headers, authorization } } : request;
}

/** Reads a small answer to its end so that the connection can be used again; a large one is dropped. */
async function discard(response: RegistryResponse): Promise<void> {
  let size = 0;
  for await (const part of response.body) {
    size += part.byteLength;
    if (size > TOKEN_BYTES_MAX) return;
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
