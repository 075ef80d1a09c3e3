import { backoffMs } from '../backoff.ts';
import { type Clock, sleep } from '../clock.ts';
import { AppError, isAppError } from '../errors.ts';
import { createLimiter } from '../limiter.ts';
import type { Metrics } from '../metrics.ts';
import type { Random } from '../random.ts';
import type {
  ApplyOptions,
  HttpRequest,
  HttpResponse,
  KubeClient,
  KubePage,
  ListOptions,
  Transport,
} from './client.ts';
import { CORE, type KubeObject, type ObjectName, type ResourceType } from './object.ts';
import { resourcePath, selectors, withQuery } from './paths.ts';
import { readBody } from './read-body.ts';
import { statusError } from './status-error.ts';
import { watchResource } from './watch.ts';

export interface KubeClientOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  /** Shows in audit logs and is the default field manager of the server. */
  readonly userAgent: string;
  readonly metrics?: Metrics | undefined;
  /** Requests under way at once, watches and leases not counted. */
  readonly maxInFlight?: number;
  /** A watch that brings nothing, not even a bookmark, for this long is opened again. */
  readonly idleMs?: number;
}

/** Objects per page of a list: the size kubectl asks for. */
const PAGE_ITEMS = 500;
/** Larger than any page of 500 objects at etcd's usual sizes; a larger answer is not a list of ours. */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;
/** API servers give up after a minute by themselves; a longer silence is a dead connection, and holds a place. */
const ANSWER_MS = 65_000;
/** Of a container's output: as much as anybody reads. */
const LOG_LINES_MAX = 10_000;
const TRIES_MAX = 5;
const RETRY = { baseMs: 250, maxMs: 8_000 };
/** Servers send a bookmark about each minute if there is news of any object; a watch that is silent for five is opened anew. */
const IDLE_MS = 300_000;

const APPLY = 'application/apply-patch+yaml';
/** A server that cannot leave the rest out sends it all. */
const ONLY_METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';

/** A signal that ends with another one or before it. `AbortSignal.any` says the same at some cost for each request. */
function followed(other: AbortSignal | undefined) {
  const own = new AbortController();
  const end = () => own.abort(other?.reason);
  if (other?.aborted) end();
  else other?.addEventListener('abort', end);
  return { signal: own.signal, end, leave: () => other?.removeEventListener('abort', end) };
}

/** A client over any transport: see {@link KubeClient} for what each call promises. */
export function createKubeClient(options: KubeClientOptions): KubeClient {
  const { transport, clock, random } = options;
  const others = createLimiter(options.maxInFlight ?? 64);
  /** Whoever waits behind requests that get no answer loses its lease. */
  const leases = createLimiter(4);

  /** One request, tried again while the server asks to wait or, when that is safe, when it cannot be reached. */
  const send = async (
    type: ResourceType,
    request: HttpRequest,
    signal?: AbortSignal,
  ): Promise<KubeObject> => {
    const limiter = type === CORE.lease ? leases : others;
    for (let attempt = 1; ; attempt++) {
      try {
        return await limiter.run(() => sendOnce(type, request, signal), signal);
      } catch (error) {
        if (!isAppError(error) || attempt >= TRIES_MAX || signal?.aborted || !mayRepeat(request, error))
          throw error;
        await sleep(clock, error.retryAfterMs ?? backoffMs(attempt, random(), RETRY), signal);
      }
    }
  };

  const sendOnce = async (
    type: ResourceType,
    request: HttpRequest,
    signal?: AbortSignal,
  ): Promise<KubeObject> => {
    const life = followed(signal);
    let isLate = false;
    const disarm = clock.after(ANSWER_MS, () => {
      isLate = true;
      life.end();
    });
    try {
      const response = await transport.request(request, life.signal);
      const body = await readBody(response.body, ANSWER_BYTES_MAX);
      count(type, request, response);
      if (response.status >= 300) throw failed(request, response, body);
      return parseObject(body, request);
    } catch (error) {
      if (!isLate || signal?.aborted) throw error;
      const message = `${request.method} ${request.path.split('?')[0]}: no answer in ${ANSWER_MS} ms.`;
      throw new AppError('API_UNREACHABLE', message, { cause: error });
    } finally {
      disarm();
      life.leave();
    }
  };

  const count = (type: ResourceType, { method }: HttpRequest, { status }: HttpResponse) =>
    options.metrics?.count('kmm_api_requests_total', { method, kind: type.kind, code: String(status) });

  const request = (
    method: HttpRequest['method'],
    path: string,
    body?: object,
    contentType = 'application/json',
    accept = 'application/json',
  ) => ({
    method,
    path,
    headers: {
      accept,
      'user-agent': options.userAgent,
      ...(body && { 'content-type': contentType }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });

  async function* list(
    type: ResourceType,
    from: ListOptions = {},
    signal?: AbortSignal,
  ): AsyncGenerator<KubePage> {
    let next: string | undefined;
    do {
      const query = { ...selectors(from), limit: PAGE_ITEMS, continue: next };
      const path = withQuery(resourcePath(type, { namespace: from.namespace ?? '' }), query);
      const page = await send(type, request('GET', path), signal);
      const metadata = page.metadata as unknown as { resourceVersion?: string; continue?: string };
      yield {
        items: itemsOf(page, type).map((item) => withKind(item, type)),
        resourceVersion: metadata.resourceVersion ?? '',
      };
      next = metadata.continue || undefined;
    } while (next);
  }

  async function* podLog(
    pod: ObjectName,
    container: string,
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const path = withQuery(resourcePath(CORE.pod, pod, 'log'), { container, tailLines: LOG_LINES_MAX });
    const headers = { accept: '*/*', 'user-agent': options.userAgent };
    const response = await transport.request({ method: 'GET', path, headers }, signal);
    if (response.status < 300) yield* response.body;
    else
      throw failed(
        { method: 'GET', path, headers },
        response,
        await readBody(response.body, ANSWER_BYTES_MAX),
      );
  }

  const applyPath = (
    type: ResourceType,
    object: KubeObject,
    { fieldManager, force, subresource }: ApplyOptions,
  ) => withQuery(resourcePath(type, object.metadata, subresource), { fieldManager, force });

  return {
    async get(type, name, signal) {
      try {
        return await send(type, request('GET', resourcePath(type, name)), signal);
      } catch (error) {
        if (isAppError(error) && error.code === 'NOT_FOUND') return undefined;
        throw error;
      }
    },
    list,
    watch: (type, from, signal) =>
      watchResource(
        { transport, clock, random, userAgent: options.userAgent, idleMs: options.idleMs ?? IDLE_MS },
        type,
        from,
        signal,
      ),
    podLog,
    create: (type, object, signal) =>
      send(
        type,
        request('POST', resourcePath(type, { namespace: object.metadata.namespace ?? '' }), object),
        signal,
      ),
    apply: (type, object, how, signal) =>
      send(
        type,
        request('PATCH', applyPath(type, object, how), object, APPLY, how.answer && ONLY_METADATA),
        signal,
      ),
    mergePatch(type, name, patch, { fieldManager, subresource }, signal) {
      const path = withQuery(resourcePath(type, name, subresource), { fieldManager });
      return send(type, request('PATCH', path, patch, 'application/merge-patch+json'), signal);
    },
    replace: (type, object, signal) =>
      send(type, request('PUT', resourcePath(type, object.metadata), object), signal),
    async delete(type, name, how = {}, signal) {
      const { uid, resourceVersion, propagationPolicy = 'Background', gracePeriodSeconds } = how;
      const preconditions = uid || resourceVersion ? { uid, resourceVersion } : undefined;
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        propagationPolicy,
        preconditions,
        gracePeriodSeconds,
      };
      try {
        await send(type, request('DELETE', resourcePath(type, name), body), signal);
        return true;
      } catch (error) {
        if (isAppError(error) && error.code === 'NOT_FOUND') return false;
        throw error;
      }
    },
  };
}

/** A create must not be sent twice when nobody knows whether it arrived; all else of ours may. */
function mayRepeat({ method }: HttpRequest, { code }: AppError): boolean {
  return code === 'API_THROTTLED' || (code === 'API_UNREACHABLE' && method !== 'POST');
}

function failed({ method, path }: HttpRequest, { status, headers }: HttpResponse, body: string): AppError {
  return statusError(`${method} ${path.split('?')[0]}`, status, body, headers['retry-after']);
}

/** Everything that a server answers has metadata, also a list and a Status. */
function parseObject(body: string, { method, path }: HttpRequest): KubeObject {
  const told = `${method} ${path.split('?')[0]}: the answer is not`;
  let parsed: Partial<KubeObject> | null;
  try {
    parsed = JSON.parse(body) as Partial<KubeObject> | null;
  } catch (error) {
    throw new AppError('API_ERROR', `${told} JSON.`, { cause: error });
  }
  if (typeof parsed?.metadata !== 'object' || parsed.metadata === null)
    throw new AppError('API_ERROR', `${told} an object.`);
  return parsed as KubeObject;
}

/** An empty list says so; an answer that is no list must not pass for one, or caches would forget everything. */
function itemsOf({ items }: KubeObject, { kind }: ResourceType): KubeObject[] {
  if (items === null) return [];
  if (Array.isArray(items) && items.every((item: KubeObject | null) => item?.metadata)) return items;
  throw new AppError('API_ERROR', `list ${kind}: the answer is not a list of objects.`);
}

/** Items of a typed list come without kind and version; an object should always say what it is. */
function withKind(item: KubeObject, { group, version, kind }: ResourceType): KubeObject {
  if (item.kind) return item;
  return Object.assign(item, { apiVersion: group ? `${group}/${version}` : version, kind });
}
