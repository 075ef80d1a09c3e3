import {
  AppError,
  type Clock,
  type HttpRequest,
  type HttpResponse,
  type KubeObject,
  type Random,
  type Transport,
} from '@kmm-fleet/runtime';
import { ApiError, notFound } from './api-error.ts';
import { readBody } from './bodies.ts';
import { once } from './channel.ts';
import { type DeleteBody, deleteObject } from './deletes.ts';
import { discover } from './discovery/discovery.ts';
import { openApiDocument, openApiIndex, openApiV2 } from './discovery/openapi.ts';
import { createFlowControl, type FlowLimit, tooMany } from './flow-control.ts';
import { startGarbageCollector } from './garbage-collector.ts';
import { BUILT_IN, type HostedKind, kindsOfCrd, storageKey } from './kinds.ts';
import { type ListenOptions, listen } from './listen.ts';
import {
  answerOf,
  type Form,
  formOf,
  getObject,
  listObjects,
  type ReadRequest,
  watchObjects,
} from './reads.ts';
import { isServed, parseRoute, type Route, whyNotServed } from './route.ts';
import { createStore } from './store.ts';
import { create, keyOf, patch, replace, timestamp, type WriteRequest } from './writes.ts';

/** One write as the trace of a run holds it. */
export interface WriteRecord {
  readonly method: string;
  readonly path: string;
  readonly manager: string;
  readonly userAgent: string;
  readonly body: unknown;
  readonly status: number;
}

/** What a fault does to a request: an answer in its place, or a connection that breaks before or after the work is done. */
export type Fault =
  | { readonly status: number; readonly retryAfterSeconds?: number }
  | 'drop-before'
  | 'drop-after'
  | undefined;

export interface ApiServerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly name: string;
  /** CustomResourceDefinitions and other objects that are there from the start. */
  readonly objects?: readonly KubeObject[];
  /** Without it the server is never too busy. */
  readonly flow?: FlowLimit;
}

export interface ApiServer {
  readonly name: string;
  /** In this process, with the same meaning as over sockets. */
  readonly transport: Transport;
  /** Serves over HTTP or HTTPS on the loopback address. */
  listen(options?: ListenOptions): Promise<{ readonly url: string; close(): Promise<void> }>;
  onWrite(listener: (record: WriteRecord) => void): void;
  /** Asked for each request. */
  setFault(fault: ((request: HttpRequest) => Fault) | undefined): void;
  /** Requests so far by `userAgent method` (watch counts as WATCH). */
  readonly requests: ReadonlyMap<string, number>;
  closeWatches(): void;
  /** Forgets the past: watches and lists from an older version get 410. */
  compact(): void;
}

/** A Kubernetes API server in this process: the part of it that controllers, agents and kubectl rely on. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const { clock, random, name } = options;
  const store = createStore();
  const custom = new Map<string, readonly HostedKind[]>();
  const watches = new Set<() => void>();
  const requests = new Map<string, number>();
  const listeners: ((record: WriteRecord) => void)[] = [];
  let fault: ((request: HttpRequest) => Fault) | undefined;
  const kinds = () => [...BUILT_IN, ...[...custom.values()].flat()];
  const ports = { store, clock, random };
  const limited = options.flow && createFlowControl(options.flow, clock);

  store.onEvent((storage, { type, object }) => {
    if (storage !== 'apiextensions.k8s.io/customresourcedefinitions') return;
    if (type === 'DELETED') custom.delete(object.metadata.name);
    else custom.set(object.metadata.name, kindsOfCrd(object));
    if (type === 'ADDED') establish(object);
  });
  startGarbageCollector({ ...ports, kinds });
  for (const namespace of ['default', 'kube-system'])
    seed({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  for (const object of options.objects ?? []) seed(object);

  function seed(object: KubeObject): void {
    const kind = kinds().find(
      (candidate) => candidate.kind === object.kind && object.apiVersion.endsWith(candidate.version),
    );
    if (!kind) throw new RangeError(`the server hosts no ${object.kind}`);
    const route: Route = {
      method: 'POST',
      group: kind.group,
      version: kind.version,
      namespace: object.metadata.namespace,
      plural: kind.plural,
      name: undefined,
      subresource: undefined,
      query: new URLSearchParams(),
    };
    create({ kind, route, body: object, contentType: 'application/json', manager: 'kmm-lab' }, ports);
  }

  function establish(crd: KubeObject): void {
    const condition = {
      status: 'True',
      lastTransitionTime: timestamp(clock),
      reason: 'Established',
      message: '',
    };
    const conditions = ['NamesAccepted', 'Established'].map((type) => ({ type, ...condition }));
    const { names } = crd['spec'] as { names: object };
    store.put('apiextensions.k8s.io/customresourcedefinitions', crd.metadata.name, {
      ...crd,
      status: { conditions, acceptedNames: names, storedVersions: [] },
    });
  }

  const answerObjects = (route: Route, request: HttpRequest): HttpResponse => {
    const kind = kinds().find(
      ({ group, version, plural }) =>
        group === route.group && version === route.version && plural === route.plural,
    );
    if (!kind || !isServed(route)) throw new ApiError(404, 'NotFound', whyNotServed(route));
    const form = formOf(request.headers['accept']);
    if (route.method === 'GET') return read({ kind, route, form });
    const userAgent = request.headers['user-agent'] ?? '';
    const manager = route.query.get('fieldManager') ?? userAgent.split('/')[0] ?? 'unknown';
    const body = readBody(request.body, request.headers['content-type']);
    const writing: WriteRequest = {
      kind,
      route,
      body,
      contentType: request.headers['content-type'] ?? 'application/json',
      manager,
    };
    const response = write(writing, form);
    for (const listener of listeners)
      listener({
        method: route.method,
        path: request.path,
        manager,
        userAgent,
        body,
        status: response.status,
      });
    return response;
  };

  const read = (request: ReadRequest): HttpResponse => {
    const { route } = request;
    const isWatch = route.query.get('watch') === 'true' || route.query.get('watch') === '1';
    if (isWatch)
      return {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: watchObjects(request, ports, watches),
      };
    return json(200, route.name === undefined ? listObjects(request, ports) : getObject(request, ports));
  };

  const write = (request: WriteRequest, form: Form): HttpResponse => {
    const { route } = request;
    if (route.method === 'POST') return json(201, answerOf(create(request, ports), form));
    if (route.method === 'PUT') return json(200, answerOf(replace(request, ports), form));
    if (route.method === 'PATCH') {
      const key = keyOf(request.kind, route.namespace, route.name ?? '');
      const isNew = !store.get(storageKey(request.kind), key);
      return json(isNew ? 201 : 200, answerOf(patch(request, ports), form));
    }
    return remove(request);
  };

  const remove = ({ kind, route, body }: WriteRequest): HttpResponse => {
    const how = (body ?? {}) as DeleteBody;
    const policy = route.query.get('propagationPolicy');
    const grace = route.query.get('gracePeriodSeconds');
    const merged = {
      ...how,
      ...(policy && { propagationPolicy: policy }),
      ...(grace !== null && { gracePeriodSeconds: Number(grace) }),
      ...(route.query.has('dryRun') && { dryRun: route.query.getAll('dryRun') }),
    };
    if (route.name === undefined) {
      const list = listObjects({ kind, route, form: 'whole' }, ports) as { items: KubeObject[] };
      for (const object of list.items)
        deleteObject(
          kind,
          keyOf(kind, object.metadata.namespace, object.metadata.name),
          object,
          merged,
          ports,
        );
      return json(200, list);
    }
    const key = keyOf(kind, route.namespace, route.name);
    const live = store.get(storageKey(kind), key);
    if (!live) throw notFound(kind.group ? `${kind.plural}.${kind.group}` : kind.plural, route.name);
    const last = deleteObject(kind, key, live, merged, ports);
    if (!merged.dryRun && store.get(storageKey(kind), key)) return json(200, last);
    const details = { name: route.name, group: kind.group, kind: kind.plural, uid: live.metadata.uid };
    return json(200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details });
  };

  const answerOther = (request: HttpRequest): HttpResponse => {
    const { pathname } = new URL(request.path, 'http://api');
    if (/^\/(healthz|livez|readyz)(\/|$)/.test(pathname)) return text('ok');
    if (pathname === '/openapi/v2')
      return {
        ...text(openApiV2()),
        headers: { 'content-type': 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf' },
      };
    if (pathname === '/openapi/v3') return json(200, openApiIndex(kinds()));
    const document = pathname.startsWith('/openapi/v3/')
      ? openApiDocument(pathname.slice('/openapi/v3/'.length), kinds())
      : discover(pathname, kinds());
    if (document) return json(200, document);
    throw new ApiError(404, 'NotFound', 'the server could not find the requested resource');
  };

  const handle = (request: HttpRequest): HttpResponse => {
    try {
      if (request.path.includes('selfsubjectaccessreviews'))
        return json(201, { ...(readBody(request.body) as object), status: { allowed: true } });
      const route = parseRoute(request);
      return route ? answerObjects(route, request) : answerOther(request);
    } catch (error) {
      // A mistake of ours is an answer too, as after a panic of the real server; the connection stays.
      const refused = error instanceof ApiError ? error : new ApiError(500, 'InternalError', String(error));
      return json(refused.code, refused.status());
    }
  };

  const transport: Transport = {
    async request(request, signal) {
      signal?.throwIfAborted();
      const verb = /[?&]watch=(true|1)/.test(request.path) ? 'WATCH' : request.method;
      const key = `${request.headers['user-agent'] ?? ''} ${verb}`;
      requests.set(key, (requests.get(key) ?? 0) + 1);
      const wrong = fault?.(request);
      if (wrong === 'drop-before') throw unreachable();
      if (typeof wrong === 'object') {
        const { status, retryAfterSeconds } = wrong;
        if (status === 429) return tooMany(retryAfterSeconds);
        const headers = retryHeader(retryAfterSeconds);
        return { ...json(status, new ApiError(status, 'Fault', 'the test says so').status()), headers };
      }
      const isLimited = limited && verb !== 'WATCH';
      const response = isLimited ? await limited(() => handle(request)) : handle(request);
      if (wrong === 'drop-after') throw unreachable();
      return signal ? { ...response, body: until(response.body, signal) } : response;
    },
    async close() {},
  };

  return {
    name,
    transport,
    listen: (how = {}) => listen(transport, how),
    onWrite: (listener) => void listeners.push(listener),
    setFault: (next) => {
      fault = next;
    },
    requests,
    closeWatches: () => {
      for (const close of [...watches]) close();
    },
    compact: () => store.compact(),
  };
}

function json(status: number, value: object): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: once(Buffer.from(JSON.stringify(value))),
  };
}

function retryHeader(seconds: number | undefined): Record<string, string> {
  return seconds === undefined ? {} : { 'retry-after': String(seconds) };
}

function text(value: string | Uint8Array): HttpResponse {
  return { status: 200, headers: { 'content-type': 'text/plain' }, body: once(Buffer.from(value)) };
}

const unreachable = () => new AppError('API_UNREACHABLE', 'The connection to the API server broke.');

/** A body that ends with an error when the reader's signal is aborted, as a broken connection would. */
async function* until(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  let onAbort = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(unreachable());
    signal.addEventListener('abort', onAbort, { once: true });
  });
  aborted.catch(() => {});
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted]);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    // The signal lives as long as a controller; its listeners must not.
    signal.removeEventListener('abort', onAbort);
    void iterator.return?.();
  }
}
