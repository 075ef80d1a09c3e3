import type { ImageReference } from '@kmm-fleet/api';
import { AppError, type Clock, type Random, sleep } from '@kmm-fleet/runtime';
import * as z from 'zod';
import { readBytes } from './bytes.ts';
import { credentialsFor } from './credentials.ts';
import { discard, failureOf, parseJson, retryAfterMs } from './failure.ts';
import { plainText } from './plain-text.ts';
import type { RegistryRequest, RegistryResponse, RegistryTransport, RequestBody } from './transport.ts';
import type { RegistryAccess } from './types.ts';

export interface SessionPorts {
  readonly transport: RegistryTransport;
  readonly clock: Clock;
  readonly random: Random;
}

/** Requests to one repository, logged in as the registry asks for it. */
export interface Session {
  /**
   * @param target a path below the repository, or what {@link Session.locate} gave
   * @returns an answer whose body is to be read when it is the 200 of a GET, or to be given to {@link Session.failure}
   *   or {@link Session.drop}
   */
  send(
    method: RegistryRequest['method'],
    target: string | URL,
    options?: { headers?: Record<string, string>; body?: RequestBody; action?: 'pull' | 'pull,push' },
    signal?: AbortSignal,
  ): Promise<RegistryResponse>;
  /** The address in a Location header. @throws {AppError} REGISTRY_INVALID when it is not at the registry */
  locate(location: string): URL;
  /** The error for an answer that is not what was asked for, with what the registry says about it. */
  failure(response: RegistryResponse, what: string): Promise<AppError>;
  /** Frees the connection of an answer of which only the head counts. */
  drop(response: RegistryResponse): Promise<void>;
  /** Names the repository in messages. */
  readonly name: string;
}

const TRIES_MAX = 4;
const WAIT_MS_MAX = 30_000;
const REDIRECTS_MAX = 5;
const TOKEN_BYTES_MAX = 64 * 1024;
const HOST_CHARS_MAX = 100;
/** What may stand in a header: a line break in a token would be a header of its own. */
const TokenText = z.string().regex(/^[\x21-\x7e]+$/);
const Token = z.looseObject({ token: TokenText.optional(), access_token: TokenText.optional() });

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
  const basic =
    credentials &&
    `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
  const name = `${registry}/${repository}`;
  const failure = (response: RegistryResponse, what: string) =>
    failureOf(response, `${name}: ${what}`, credentials, ports.clock.now());
  /** An address that the registry names. What goes there must not be readable on the way. */
  const address = (text: string, from: string = base): URL => {
    const url = URL.canParse(text, from) ? new URL(text, from) : undefined;
    if (url?.protocol === 'https:' || (url?.protocol === 'http:' && access.insecure)) return url;
    const shown = plainText(text, HOST_CHARS_MAX);
    throw new AppError(
      'REGISTRY_INVALID',
      `${name}: the registry names the address "${shown}", which is not followed.`,
    );
  };
  /** Authorization header per action, once the registry has asked for one. */
  const authorizations = new Map<string, string>();

  /** A password that was refused is refused again; a token may have expired. */
  const canAnswer = (challenge: string, refused: string | undefined): boolean =>
    isBasic(challenge) ? basic !== undefined && basic !== refused : bearerRealm(challenge) !== undefined;

  const once = async (request: RegistryRequest, action: string, signal?: AbortSignal) => {
    const known = authorizations.get(action);
    const first = await ports.transport.request(withAuth(request, known), signal);
    const challenge = first.headers['www-authenticate'];
    // Its text is read where nothing can be answered to it.
    if (first.status !== 401 || !challenge || !canAnswer(challenge, known)) return first;
    await discard(first);
    const authorization = await authorize(challenge, action, signal);
    authorizations.set(action, authorization);
    return ports.transport.request(withAuth(request, authorization), signal);
  };

  const authorize = async (challenge: string, action: string, signal?: AbortSignal): Promise<string> => {
    if (isBasic(challenge) && basic) return basic;
    const url = address(bearerRealm(challenge) ?? '');
    const service = parameter(challenge, 'service');
    if (service) url.searchParams.set('service', service);
    url.searchParams.set('scope', `repository:${repository}:${action}`);
    const headers: Record<string, string> = basic ? { authorization: basic } : {};
    const answer = await ports.transport.request(
      { method: 'GET', url: url.href, headers, ...tls(access) },
      signal,
    );
    const where = plainText(url.host, HOST_CHARS_MAX);
    if (answer.status !== 200) throw await failure(answer, `the login at ${where} was refused`);
    const parsed = Token.safeParse(
      parseJson((await readBytes(answer.body, TOKEN_BYTES_MAX, name)).toString('utf8')),
    );
    const token = parsed.data?.token ?? parsed.data?.access_token;
    if (!token) throw new AppError('REGISTRY_INVALID', `${name}: the login at ${where} gave no token.`);
    return `Bearer ${token}`;
  };

  const follow = async (request: RegistryRequest, action: string, signal?: AbortSignal) => {
    let response = await once(request, action, signal);
    let url = request.url;
    for (let hop = 0; isRedirect(response.status) && request.method !== 'POST'; hop++) {
      if (hop >= REDIRECTS_MAX) throw new AppError('REGISTRY_INVALID', `${name}: too many redirects.`);
      await discard(response);
      const target = address(response.headers['location'] ?? '', url);
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
    failure,
    drop: discard,
    locate(location) {
      const url = URL.canParse(location, base) ? new URL(location, base) : undefined;
      // Behind a proxy a registry may not know that it is spoken to with TLS.
      if (url?.protocol === 'http:' && base.startsWith('https:')) url.protocol = 'https:';
      // Credentials go with the upload.
      if (url?.origin === new URL(base).origin) return url;
      throw new AppError('REGISTRY_INVALID', `${name}: the upload was sent to another host.`);
    },
    async send(method, target, { headers = {}, body, action = 'pull' } = {}, signal) {
      const url = typeof target === 'string' ? base + target : target.href;
      const request: RegistryRequest = { method, url, headers, ...(body && { body }), ...tls(access) };
      for (let attempt = 1; ; attempt++) {
        signal?.throwIfAborted();
        const outcome = await follow(request, action, signal).catch(asError);
        signal?.throwIfAborted();
        const isError = outcome instanceof Error;
        const retryable = isError ? isUnreachable(outcome) : isBusy(outcome.status);
        if (!retryable || attempt >= TRIES_MAX) {
          if (isError) throw outcome;
          return outcome;
        }
        const askedMs = isError ? undefined : retryAfterMs(outcome.headers['retry-after'], ports.clock.now());
        if (!isError) await discard(outcome);
        const waitMs = Math.max(askedMs ?? 0, 250 * 2 ** attempt * (0.5 + ports.random() / 2));
        await sleep(ports.clock, Math.min(waitMs, WAIT_MS_MAX), signal);
      }
    },
  };
}

const tls = (access: RegistryAccess) => (access.insecureSkipTLSVerify ? { insecureSkipVerify: true } : {});
const isRedirect = (status: number) => status >= 301 && status <= 308 && status !== 304;
const isBusy = (status: number) => status === 429 || status >= 500;
const isUnreachable = (error: Error) => error instanceof AppError && error.code === 'REGISTRY_UNREACHABLE';
const parameter = (challenge: string, name: string) =>
  new RegExp(`${name}="([^"]*)"`, 'i').exec(challenge)?.[1];
const isBasic = (challenge: string) => /^basic/i.test(challenge);
const bearerRealm = (challenge: string) =>
  /^bearer/i.test(challenge) ? parameter(challenge, 'realm') : undefined;

function withAuth(request: RegistryRequest, authorization: string | undefined): RegistryRequest {
  return authorization ? { ...request, headers: { ...request.headers, authorization } } : request;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
