import {
  AppError,
  apiVersionOf,
  type KubeClient,
  type KubeObject,
  mergePatch,
  type ObjectName,
  objectKey,
  type ResourceType,
  type WatchEvent,
} from '@kmm-fleet/runtime';

type Json = Record<string, unknown>;
type ObjectEvent = Exclude<WatchEvent, { type: 'BOOKMARK' }>;

/** One call that a controller made. */
export interface Call {
  readonly verb: 'list' | 'watch' | 'apply' | 'patch' | 'delete' | 'create';
  readonly kind: string;
  readonly key: string;
  readonly body?: unknown;
}

export interface MemoryCluster {
  /** A client whose calls are recorded in `calls` and go through `fault`. */
  readonly client: KubeClient;
  readonly calls: Call[];
  /** Throws, before or after the call took place, to make it fail. */
  fault: ((call: Call, when: 'before' | 'after') => void) | undefined;
  /** Watches of a kind tell nothing until the function that comes back is called. */
  hold(type: ResourceType): () => void;
  get(type: ResourceType, key: string): KubeObject | undefined;
  all(type: ResourceType): KubeObject[];
  /** Writes an object as it is; nobody's call. */
  put(type: ResourceType, object: KubeObject): void;
  remove(type: ResourceType, key: string): void;
}

/** The part of an API server that a spoke needs: versions, finalizers, generations, fields by manager, watches. */
export function createMemoryCluster(): MemoryCluster {
  const objects = new Map<string, KubeObject>();
  const applied = new Map<string, Json>();
  const watchers = new Set<{
    plural: string;
    label: string | undefined;
    push: (...events: readonly ObjectEvent[]) => void;
  }>();
  const held = new Set<string>();
  let version = 0;
  const id = ({ plural }: ResourceType, key: string) => `${plural}|${key}`;

  /** Everything that happened, so that a watch can start in the past. */
  const history: { at: number; plural: string; event: ObjectEvent }[] = [];

  const tell = (type: ResourceType, kind: ObjectEvent['type'], object: KubeObject, before?: KubeObject) => {
    history.push({
      at: version,
      plural: type.plural,
      event: { type: kind, object: structuredClone(object) },
    });
    for (const { plural, label, push } of watchers) {
      if (plural !== type.plural) continue;
      // Who watches by a label is told of an object that lost it as of one that has gone.
      if (matches(object.metadata.labels, label)) push({ type: kind, object: structuredClone(object) });
      else if (matches(before?.metadata.labels, label))
        push({ type: 'DELETED', object: structuredClone(object) });
    }
  };

  const remove = (type: ResourceType, key: string) => {
    const object = objects.get(id(type, key));
    if (!object) return;
    objects.delete(id(type, key));
    for (const owned of applied.keys()) if (owned.startsWith(`${id(type, key)}|`)) applied.delete(owned);
    version += 1;
    tell(type, 'DELETED', { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } });
  };

  const put = (type: ResourceType, given: KubeObject) => {
    const key = objectKey(given.metadata);
    const before = objects.get(id(type, key));
    const isChanged = JSON.stringify(before?.['spec']) !== JSON.stringify(given['spec']);
    const generation = (before?.metadata.generation ?? 0) + (isChanged || !before ? 1 : 0);
    const metadata = { ...given.metadata, uid: before?.metadata.uid ?? `uid-${key}`, generation };
    const object = { ...structuredClone(given), metadata };
    if (before && JSON.stringify(before) === JSON.stringify(withVersion(object, before))) return;
    version += 1;
    object.metadata.resourceVersion = String(version);
    objects.set(id(type, key), object);
    tell(type, before ? 'MODIFIED' : 'ADDED', object, before);
    const { deletionTimestamp, finalizers } = object.metadata;
    if (deletionTimestamp && !finalizers?.length && type.plural !== 'pods') remove(type, key);
  };

  const cluster: MemoryCluster = {
    calls: [],
    fault: undefined,
    hold({ plural }) {
      held.add(plural);
      return () => {
        held.delete(plural);
        for (const watcher of watchers) watcher.push();
      };
    },
    get: (type, key) => structuredClone(objects.get(id(type, key))),
    all: (type) =>
      [...objects]
        .filter(([name]) => name.startsWith(`${type.plural}|`))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, object]) => structuredClone(object)),
    put,
    remove,
    client: undefined as unknown as KubeClient,
  };

  const called = async <T>(call: Call, work: () => T): Promise<T> => {
    cluster.calls.push(call);
    cluster.fault?.(call, 'before');
    const result = work();
    cluster.fault?.(call, 'after');
    return result;
  };

  const must = (type: ResourceType, name: ObjectName): KubeObject => {
    const object = cluster.get(type, objectKey(name));
    if (!object) throw new AppError('NOT_FOUND', `${type.kind} ${objectKey(name)} is not there.`);
    return object;
  };

  const client: Partial<KubeClient> = {
    get: async (type, name) => cluster.get(type, objectKey(name)),
    async *list(type, options = {}) {
      const items = await called({ verb: 'list', kind: type.kind, key: '' }, () =>
        cluster.all(type).filter(({ metadata }) => matches(metadata.labels, options.labelSelector)),
      );
      yield { items, resourceVersion: String(version) };
    },
    async *watch(type, { labelSelector, resourceVersion }, signal) {
      const queue = history
        .filter(({ at, plural }) => at > Number(resourceVersion) && plural === type.plural)
        .map(({ event }) => event)
        .filter(({ object }) => matches(object.metadata.labels, labelSelector));
      let wake = () => {};
      const watcher = {
        plural: type.plural,
        label: labelSelector,
        push: (...events: readonly ObjectEvent[]) => {
          queue.push(...events);
          wake();
        },
      };
      watchers.add(watcher);
      signal?.addEventListener('abort', () => wake(), { once: true });
      cluster.calls.push({ verb: 'watch', kind: type.kind, key: '' });
      try {
        while (!signal?.aborted) {
          const isHeld = held.has(type.plural);
          if (!isHeld) yield* queue.splice(0);
          if ((isHeld || queue.length === 0) && !signal?.aborted)
            await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        watchers.delete(watcher);
      }
    },
    create: (type, object) =>
      called({ verb: 'create', kind: type.kind, key: objectKey(object.metadata), body: object }, () => {
        put(type, object);
        return must(type, object.metadata);
      }),
    apply: (type, object, { fieldManager, subresource }) =>
      called({ verb: 'apply', kind: type.kind, key: objectKey(object.metadata), body: object }, () => {
        const key = objectKey(object.metadata);
        const owned = `${id(type, key)}|${fieldManager}|${subresource ?? ''}`;
        const before = subresource ? must(type, object.metadata) : cluster.get(type, key);
        const base = before ?? ({ apiVersion: apiVersionOf(type), kind: type.kind } as unknown as KubeObject);
        const merged = merge(dropped(base as Json, applied.get(owned), object as Json), object as Json);
        applied.set(owned, structuredClone(object as Json));
        put(type, merged as unknown as KubeObject);
        return must(type, object.metadata);
      }),
    mergePatch: (type, name, patch) =>
      called({ verb: 'patch', kind: type.kind, key: objectKey(name), body: patch }, () => {
        const before = must(type, name);
        const { resourceVersion } = (patch as { metadata?: { resourceVersion?: string } }).metadata ?? {};
        if (resourceVersion && resourceVersion !== before.metadata.resourceVersion)
          throw new AppError('CONFLICT', `${type.kind} ${objectKey(name)} has changed.`);
        put(type, mergePatch(before, patch) as KubeObject);
        return cluster.get(type, objectKey(name)) ?? before;
      }),
    delete: (type, name) =>
      called({ verb: 'delete', kind: type.kind, key: objectKey(name) }, () => {
        const object = cluster.get(type, objectKey(name));
        if (!object) return false;
        if (object.metadata.finalizers?.length || type.plural === 'pods') {
          object.metadata.deletionTimestamp ??= '2026-01-01T00:00:00Z';
          put(type, object);
        } else remove(type, objectKey(name));
        return true;
      }),
  };
  return Object.assign(cluster, { client: client as KubeClient });
}

const withVersion = (object: KubeObject, { metadata }: KubeObject): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: metadata.resourceVersion ?? '' },
});

const matches = (labels: Record<string, string> | undefined, selector: string | undefined) =>
  !selector || selector in (labels ?? {});

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What this manager applied before and no longer applies goes. */
function dropped(base: Json, before: Json | undefined, now: Json): Json {
  if (!before) return base;
  const left = { ...base };
  for (const [key, value] of Object.entries(before)) {
    const [old, next] = [left[key], now[key]];
    if (isObject(value) && isObject(old)) left[key] = dropped(old, value, isObject(next) ? next : {});
    else if (!(key in now)) delete left[key];
  }
  return left;
}

function merge(base: Json, now: Json): Json {
  const merged = { ...base };
  for (const [key, value] of Object.entries(now)) {
    const old = merged[key];
    if (value !== undefined) merged[key] = isObject(value) && isObject(old) ? merge(old, value) : value;
  }
  return merged;
}
