/** What happened to one object: `before` is absent for a new one, `after` for a deleted one. */
export interface Change<T> {
  readonly key: string;
  readonly before?: T | undefined;
  readonly after?: T | undefined;
}

/** What a store needs to know of an object: which version of it this is. */
export type Versioned = { readonly metadata: { readonly resourceVersion?: string | undefined } };

/** The memory of a cache: objects by key, indexes kept step by step, and who wants to know. */
export interface Store<T> {
  get(key: string): T | undefined;
  all(): IterableIterator<T>;
  readonly size: number;
  by(index: string, value: string): readonly T[];
  onChange(handler: (change: Change<T>) => void): () => void;
  /** Tells a change unless the object has the version that is known. */
  set(key: string, object: T): void;
  delete(key: string): void;
  /** Makes the store equal to `fresh` and tells the difference. */
  replace(fresh: ReadonlyMap<string, T>): void;
}

/** @param failed called when a handler throws: the others are told all the same */
export function createStore<T extends Versioned>(
  indexers: Readonly<Record<string, (object: T) => readonly string[]>>,
  failed: (error: unknown) => void,
): Store<T> {
  const objects = new Map<string, T>();
  const handlers = new Set<(change: Change<T>) => void>();
  /** index name → value → keys. */
  const indexes = new Map<string, Map<string, Set<string>>>(
    Object.keys(indexers).map((name) => [name, new Map<string, Set<string>>()]),
  );

  const reindex = (key: string, before: T | undefined, after: T | undefined) => {
    for (const [name, valuesOf] of Object.entries(indexers)) {
      const index = indexes.get(name);
      for (const value of before ? valuesOf(before) : []) {
        const keys = index?.get(value);
        keys?.delete(key);
        if (keys?.size === 0) index?.delete(value);
      }
      for (const value of after ? valuesOf(after) : []) {
        const keys = index?.get(value) ?? new Set<string>();
        index?.set(value, keys.add(key));
      }
    }
  };

  const put = (key: string, after: T | undefined) => {
    const before = objects.get(key);
    if (!before && !after) return;
    const version = after?.metadata.resourceVersion;
    // A replayed event says nothing new.
    if (before && version !== undefined && before.metadata.resourceVersion === version) return;
    if (after) objects.set(key, after);
    else objects.delete(key);
    reindex(key, before, after);
    for (const handler of handlers) {
      try {
        handler({ key, before, after });
      } catch (error) {
        failed(error);
      }
    }
  };

  return {
    get: (key) => objects.get(key),
    all: () => objects.values(),
    get size() {
      return objects.size;
    },
    by(index, value) {
      const keys = [...(indexes.get(index)?.get(value) ?? [])].sort();
      return keys.map((key) => objects.get(key)).filter((object) => object !== undefined);
    },
    onChange(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    set: put,
    delete: (key) => put(key, undefined),
    replace(fresh) {
      for (const key of [...objects.keys()]) if (!fresh.has(key)) put(key, undefined);
      for (const [key, object] of fresh) put(key, object);
    },
  };
}
