import type { KubeObject } from '@kmm-fleet/runtime';
import { expired } from './api-error.ts';

/** One change as watches tell it. `before` lets a watch with a selector see objects enter and leave. */
export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly version: number;
  readonly object: KubeObject;
  readonly before?: KubeObject;
}

/** Everything the server knows: objects that never change once stored, and their recent history. */
export interface ObjectStore {
  readonly version: number;
  get(kind: string, key: string): KubeObject | undefined;
  list(kind: string): KubeObject[];
  /** Stores a new version of an object (or its end) and tells it. Returns the object with its resourceVersion. */
  put(kind: string, key: string, object: KubeObject): KubeObject;
  remove(kind: string, key: string, last: KubeObject): KubeObject;
  /** Events of a kind after a version, in order. @throws {ApiError} 410 when they are forgotten */
  since(kind: string, version: number): readonly StoreEvent[];
  isForgotten(version: number): boolean;
  subscribe(kind: string, listener: (event: StoreEvent) => void): () => void;
  /** Forgets the history: watches from an older version get 410. */
  compact(): void;
  onEvent(listener: (kind: string, event: StoreEvent) => void): void;
}

/** Events kept per kind: an hour of a busy fleet. */
const HISTORY_MAX = 20_000;

export function createStore(): ObjectStore {
  const objects = new Map<string, Map<string, KubeObject>>();
  const history = new Map<string, StoreEvent[]>();
  const listeners = new Map<string, Set<(event: StoreEvent) => void>>();
  const everyone: ((kind: string, event: StoreEvent) => void)[] = [];
  /** Below this version nothing is remembered. */
  let floor = 0;
  let version = 1;

  const kindOf = (kind: string) => {
    const known = objects.get(kind) ?? new Map<string, KubeObject>();
    objects.set(kind, known);
    return known;
  };

  const stamped = (object: KubeObject): KubeObject => {
    version += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
  };

  const tell = (kind: string, event: StoreEvent) => {
    const events = history.get(kind) ?? [];
    history.set(kind, events);
    events.push(event);
    if (events.length > HISTORY_MAX)
      floor = Math.max(floor, events.splice(0, HISTORY_MAX / 2).at(-1)?.version ?? 0);
    for (const listener of listeners.get(kind) ?? []) listener(event);
    for (const listener of everyone) listener(kind, event);
  };

  return {
    get version() {
      return version;
    },
    get: (kind, key) => objects.get(kind)?.get(key),
    list: (kind) =>
      [...(objects.get(kind) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object),
    put(kind, key, object) {
      const before = kindOf(kind).get(key);
      const after = stamped(object);
      kindOf(kind).set(key, after);
      tell(kind, { type: before ? 'MODIFIED' : 'ADDED', version, object: after, ...(before && { before }) });
      return after;
    },
    remove(kind, key, last) {
      const before = kindOf(kind).get(key);
      const after = stamped(last);
      kindOf(kind).delete(key);
      tell(kind, { type: 'DELETED', version, object: after, ...(before && { before }) });
      return after;
    },
    isForgotten: (then) => then < floor,
    since(kind, from) {
      if (from < floor) throw expired();
      return (history.get(kind) ?? []).filter((event) => event.version > from);
    },
    subscribe(kind, listener) {
      const set = listeners.get(kind) ?? new Set();
      listeners.set(kind, set.add(listener));
      return () => set.delete(listener);
    },
    compact() {
      floor = version;
      history.clear();
    },
    onEvent: (listener) => void everyone.push(listener),
  };
}
