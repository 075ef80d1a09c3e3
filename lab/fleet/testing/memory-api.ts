import {
  type Clock,
  canonicalJson,
  deepEqual,
  type HttpRequest,
  type HttpResponse,
  type KubeObject,
  mergePatch,
  type Transport,
} from '@kmm-fleet/runtime';

/** The smallest API server that controllers of the fleet can be tested on: no schemas, no ownership of fields. */
export interface MemoryApi {
  readonly transport: Transport;
  /** Writes that changed something, oldest first: `MERGE pods/ns/name/status by kubelet`. */
  readonly writes: readonly string[];
  all(plural: string): KubeObject[];
  object(plural: string, key: string): KubeObject | undefined;
}

interface Target {
  readonly plural: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly query: URLSearchParams;
}

interface Watcher {
  readonly target: Target;
  push(line: string): void;
}

type Metadata = KubeObject['metadata'];

export function createMemoryApi(clock: Clock): MemoryApi {
  const stores = new Map<string, Map<string, KubeObject>>();
  const watchers = new Set<Watcher>();
  const writes: string[] = [];
  const history: { plural: string; type: string; object: KubeObject }[] = [];
  let version = 0;
  let names = 0;

  const storeOf = (plural: string) => {
    const store = stores.get(plural) ?? new Map<string, KubeObject>();
    stores.set(plural, store);
    return store;
  };
  const emit = (plural: string, type: string, object: KubeObject) => {
    history.push({ plural, type, object });
    for (const watcher of watchers) {
      if (watcher.target.plural === plural && inScope(watcher.target, object))
        watcher.push(event(type, object));
    }
  };
  const stamp = (object: KubeObject): KubeObject => {
    version += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
  };
  const save = (plural: string, before: KubeObject | undefined, next: KubeObject): KubeObject => {
    const unversioned = (object: KubeObject) => ({
      ...object,
      metadata: { ...object.metadata, resourceVersion: '' },
    });
    if (before && deepEqual(unversioned(before), unversioned(next))) return before;
    const saved = stamp(next);
    const { deletionTimestamp, finalizers = [], deletionGracePeriodSeconds } = saved.metadata;
    const isGone = deletionTimestamp && finalizers.length === 0 && deletionGracePeriodSeconds === 0;
    if (isGone) return drop(plural, saved);
    storeOf(plural).set(keyOf(saved), saved);
    emit(plural, before ? 'MODIFIED' : 'ADDED', saved);
    return saved;
  };
  const drop = (plural: string, object: KubeObject): KubeObject => {
    storeOf(plural).delete(keyOf(object));
    emit(plural, 'DELETED', object);
    collectGarbage(object.metadata.uid ?? '');
    return object;
  };
  const collectGarbage = (owner: string) => {
    for (const [plural, store] of stores) {
      for (const object of [...store.values()]) {
        const owners = object.metadata.ownerReferences ?? [];
        if (owners.length > 0 && owners.every(({ uid }) => uid === owner)) remove(plural, object, {});
      }
    }
  };
  const remove = (
    plural: string,
    object: KubeObject,
    options: { gracePeriodSeconds?: number },
  ): KubeObject => {
    const isBound = plural === 'pods' && (object['spec'] as { nodeName?: string } | undefined)?.nodeName;
    const grace = isBound ? (options.gracePeriodSeconds ?? 30) : 0;
    const { finalizers = [], deletionTimestamp } = object.metadata;
    if (grace === 0 && finalizers.length === 0) return drop(plural, stamp(object));
    const since = deletionTimestamp ?? new Date(clock.now()).toISOString();
    const metadata = { ...object.metadata, deletionTimestamp: since, deletionGracePeriodSeconds: grace };
    return save(plural, object, { ...object, metadata });
  };

  const create = (target: Target, body: KubeObject): HttpResponse => {
    const { plural, namespace } = target;
    const name =
      body.metadata.name || `${body.metadata.generateName}${(names++).toString(36).padStart(5, '0')}`;
    const metadata: Metadata = {
      ...body.metadata,
      name,
      uid: `uid-${++version}`,
      generation: 1,
      creationTimestamp: new Date(clock.now()).toISOString(),
      ...(namespace && { namespace }),
    };
    const { status: _, ...rest } = body as KubeObject & { status?: unknown };
    const object = { ...rest, metadata } as KubeObject;
    if (storeOf(plural).has(keyOf(object)))
      return failure(409, 'AlreadyExists', `${plural} "${name}" already exists`);
    return answer(201, save(plural, undefined, object));
  };

  const change = (target: Target, before: KubeObject, next: KubeObject): HttpResponse => {
    const { resourceVersion, uid } = next.metadata;
    if (resourceVersion && resourceVersion !== before.metadata.resourceVersion) {
      return failure(
        409,
        'Conflict',
        `Operation cannot be fulfilled on ${target.plural} "${target.name}": the object has been modified`,
      );
    }
    if (uid && uid !== before.metadata.uid)
      return failure(409, 'Conflict', 'Precondition failed: UID in precondition');
    const isStatus = target.subresource === 'status';
    const merged = isStatus ? { ...before, status: next['status'] } : { ...next, status: before['status'] };
    const isSameSpec = deepEqual(
      { ...merged, metadata: 0, status: 0 },
      { ...before, metadata: 0, status: 0 },
    );
    const kept = isStatus ? before.metadata : { ...next.metadata, ...identityOf(before.metadata) };
    const generation = (before.metadata.generation ?? 1) + (isSameSpec ? 0 : 1);
    const saved = { ...merged, metadata: { ...kept, generation } } as KubeObject;
    const isReleased = saved.metadata.deletionTimestamp && (saved.metadata.finalizers ?? []).length === 0;
    if (isReleased && saved.metadata.deletionGracePeriodSeconds === 0)
      return answer(200, drop(target.plural, stamp(saved)));
    return answer(200, save(target.plural, before, saved));
  };

  const handle = (request: HttpRequest): HttpResponse => {
    const target = parse(request.path);
    const { plural, name, namespace } = target;
    const store = storeOf(plural);
    if (name === undefined) {
      if (request.method === 'POST') return create(target, bodyOf(request));
      if (target.query.get('watch') === 'true') return watch(target);
      const items = [...store.values()].filter((object) => inScope(target, object)).sort(byKey);
      return answer(200, {
        kind: 'List',
        metadata: { resourceVersion: String(version) },
        items,
      } as unknown as KubeObject);
    }
    const before = store.get(namespace ? `${namespace}/${name}` : name);
    const isApply = request.headers['content-type']?.includes('apply-patch');
    if (!before)
      return isApply
        ? create(target, bodyOf(request))
        : failure(404, 'NotFound', `${plural} "${name}" not found`);
    if (request.method === 'GET') return answer(200, before);
    if (request.method === 'DELETE') {
      const options = bodyOf(request) as unknown as {
        gracePeriodSeconds?: number;
        preconditions?: { uid?: string };
      };
      const wrong = options.preconditions?.uid && options.preconditions.uid !== before.metadata.uid;
      return wrong
        ? failure(409, 'Conflict', 'Precondition failed: UID in precondition')
        : answer(200, remove(plural, before, options));
    }
    const body = bodyOf(request);
    return change(target, before, request.method === 'PUT' ? body : (mergePatch(before, body) as KubeObject));
  };

  const watch = (target: Target): HttpResponse => {
    const lines: string[] = [];
    let wake = () => {};
    const watcher: Watcher = {
      target,
      push(line) {
        lines.push(line);
        wake();
      },
    };
    const since = Number(target.query.get('resourceVersion'));
    for (const { plural, type, object } of history) {
      const isNew = Number(object.metadata.resourceVersion) > since;
      if (isNew && plural === target.plural && inScope(target, object)) watcher.push(event(type, object));
    }
    watchers.add(watcher);
    async function* body() {
      try {
        for (;;) {
          for (let line = lines.shift(); line !== undefined; line = lines.shift()) yield Buffer.from(line);
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } finally {
        watchers.delete(watcher);
      }
    }
    return { status: 200, headers: {}, body: body() };
  };

  return {
    writes,
    transport: {
      async request(request, signal) {
        const before = version;
        const response = handle(request);
        const { plural, namespace, name, subresource } = parse(request.path);
        if (version !== before && response.status < 300) {
          const path = [plural, namespace, name, subresource].filter(Boolean).join('/');
          writes.push(`${request.method} ${path} by ${request.headers['user-agent']}`);
        }
        return { ...response, body: until(response.body, signal) };
      },
      close: async () => {},
    },
    all: (plural) => [...storeOf(plural).values()].sort(byKey),
    object: (plural, key) => storeOf(plural).get(key),
  };
}

const keyOf = ({ metadata: { namespace, name } }: KubeObject) => (namespace ? `${namespace}/${name}` : name);
const byKey = (a: KubeObject, b: KubeObject) => (keyOf(a) < keyOf(b) ? -1 : 1);
const event = (type: string, object: KubeObject) => `${JSON.stringify({ type, object })}\n`;
const bodyOf = ({ body }: HttpRequest) => JSON.parse(String(body ?? '{}')) as KubeObject;

function identityOf({
  uid,
  creationTimestamp,
  deletionTimestamp,
  deletionGracePeriodSeconds,
}: Metadata): Partial<Metadata> {
  return {
    ...(uid && { uid }),
    ...(creationTimestamp && { creationTimestamp }),
    ...(deletionTimestamp && {
      deletionTimestamp,
      deletionGracePeriodSeconds: deletionGracePeriodSeconds ?? 0,
    }),
  };
}

function parse(path: string): Target {
  const url = new URL(path, 'http://memory');
  const parts = url.pathname.split('/').filter(Boolean).map(decodeURIComponent);
  const rest = parts.slice(parts[0] === 'api' ? 2 : 3);
  const namespace = rest[0] === 'namespaces' && rest.length > 2 ? rest[1] : undefined;
  const [plural = '', name, subresource] = namespace === undefined ? rest : rest.slice(2);
  return { plural, namespace, name, subresource, query: url.searchParams };
}

function inScope({ namespace, query }: Target, object: KubeObject): boolean {
  if (namespace !== undefined && object.metadata.namespace !== namespace) return false;
  const labels = pairs(query.get('labelSelector')).every(
    ([key, value]) => object.metadata.labels?.[key] === value,
  );
  const fields = pairs(query.get('fieldSelector')).every(
    ([path, value]) => String(field(object, path)) === value,
  );
  return labels && fields;
}

const pairs = (text: string | null) =>
  (text ?? '')
    .split(',')
    .filter(Boolean)
    .map((pair) => pair.split('=') as [string, string]);

function field(object: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], object);
}

function answer(status: number, object: KubeObject): HttpResponse {
  const text = canonicalJson(object);
  return { status, headers: {}, body: once(text) };
}

function failure(code: number, reason: string, message: string): HttpResponse {
  return answer(code, { kind: 'Status', code, reason, message } as unknown as KubeObject);
}

async function* once(text: string) {
  yield Buffer.from(text);
}

/** Ends a body when the caller gives up, as a socket does. */
async function* until(body: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined) {
  const aborted = new Promise<'aborted'>((resolve) => {
    if (signal?.aborted) resolve('aborted');
    signal?.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
  const iterator = body[Symbol.asyncIterator]();
  for (;;) {
    const next = await Promise.race([iterator.next(), aborted]);
    if (next === 'aborted') throw signal?.reason instanceof Error ? signal.reason : new Error('aborted');
    if (next.done) return;
    yield next.value;
  }
}
