import { backoffMs } from './backoff.ts';
import { type Clock, sleep } from './clock.ts';
import { isAppError } from './errors.ts';
import type { KubeClient, ListOptions } from './kube/client.ts';
import { type KubeObject, objectKey, type ResourceType, withoutManagedFields } from './kube/object.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Random } from './random.ts';
import { type Change, createStore, type Versioned } from './store.ts';
import { createWatchdog } from './watchdog.ts';

/** Objects of one kind as last seen. One writer fills it; everybody else reads. */
export interface Cache<T> {
  /** The first list is complete. */
  readonly synced: boolean;
  readonly size: number;
  get(key: string): T | undefined;
  all(): IterableIterator<T>;
  /** Objects under one value of an index, sorted by key. */
  by(index: string, value: string): readonly T[];
  /** Called after the store changed, also for each object of the first list. Returns a function that ends it. */
  onChange(handler: (change: Change<T>) => void): () => void;
}

export interface WatchedCache<T> extends Cache<T> {
  /** Lists and watches until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
  whenSynced(): Promise<void>;
  /**
   * Takes the server's answer to a write of ours: the watch tells of it later, and a pass in between would write it again.
   * What is not there (any more), or is known newer, stays as it is.
   *
   * @param object whole, and what `transform` takes
   */
  learn(object: KubeObject): void;
  readonly kind: string;
  /** Up to which version of the server everything is known; '' while nothing is. */
  readonly version: string;
  /** Called when a fresh list is in the store and its changes are told. What came and went before it was never told. */
  onList(handler: () => void): void;
  /** Nothing could be listed or watched for minutes: what it holds may be long untrue. */
  readonly isBlind: boolean;
}

export interface CacheOptions<T> extends ListOptions {
  readonly client: KubeClient;
  readonly type: ResourceType;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics?: Metrics | undefined;
  /**
   * Keeps only what is needed of an object, before it is stored; it never has managed fields.
   *
   * @param before what is stored of it now
   */
  readonly transform?: (object: KubeObject, before: T | undefined) => T;
  /** Named indexes: the values under which an object is found. */
  readonly indexes?: Readonly<Record<string, (object: T) => readonly string[]>>;
}

const RETRY = { baseMs: 500, maxMs: 30_000 };
/** A watch that ends sooner than this and brought nothing is asked for again only after a pause. */
const HEALTHY_MS = 5_000;
/** Longer than an API server takes to be replaced, its watch that nobody answers included. */
const BLIND_MS = 600_000;

/** Where the cache stands: nothing is known, or everything up to a version is. */
type State = { readonly state: 'empty' } | { readonly state: 'watching'; readonly resourceVersion: string };

/**
 * A list that a watch keeps true. Every way a watch can end leads back to watching from where it was, or to a fresh
 * list whose difference to the store is told as changes: no change is lost and none is told twice.
 */
export function createCache<T extends Versioned = KubeObject>(options: CacheOptions<T>): WatchedCache<T> {
  const { client, type, clock, log } = options;
  const store = createStore<T>(options.indexes ?? {}, (error) =>
    log.error('cache.handler-failed', { kind: type.kind, err: error }),
  );
  const { transform = (object) => object as unknown as T } = options;
  const viewOf = (key: string, object: KubeObject) => transform(withoutManagedFields(object), store.get(key));
  const waiters: (() => void)[] = [];
  const listeners: (() => void)[] = [];
  let state: State = { state: 'empty' };
  let synced = false;
  /** Lists and watches in a row that brought nothing. */
  let failures = 0;
  const blindness = createWatchdog(clock, BLIND_MS);
  /** What was learnt since the list under way was asked for, which may be older. */
  const learnt = new Set<string>();

  const list = async (signal: AbortSignal) => {
    learnt.clear();
    const fresh = new Map<string, T>();
    let resourceVersion = '';
    for await (const page of client.list(type, options, signal)) {
      for (const item of page.items) {
        const key = objectKey(item.metadata);
        fresh.set(key, viewOf(key, item));
      }
      resourceVersion = page.resourceVersion;
    }
    keepLearnt(fresh, resourceVersion);
    store.replace(fresh);
    blindness.rest();
    state = { state: 'watching', resourceVersion };
    synced = true;
    for (const listed of listeners) listed();
    for (const resolve of waiters.splice(0)) resolve();
  };

  /** Of nothing else: a server that was restored counts its versions from an earlier one. */
  const keepLearnt = (fresh: Map<string, T>, listedVersion: string) => {
    for (const key of learnt) {
      const known = store.get(key);
      const version = fresh.get(key)?.metadata.resourceVersion ?? listedVersion;
      if (known && isReplay(version, versionOf(known))) fresh.set(key, known);
    }
  };

  const watch = async (resourceVersion: string, signal: AbortSignal) => {
    const startedMs = clock.elapsed();
    let events = 0;
    for await (const event of client.watch(type, { ...options, resourceVersion }, signal)) {
      events += 1;
      failures = 0;
      blindness.rest();
      if (event.type === 'BOOKMARK') state = { state: 'watching', resourceVersion: event.resourceVersion };
      else accept(event.type, event.object);
    }
    if (events === 0 && clock.elapsed() - startedMs < HEALTHY_MS) failures += 1;
    else blindness.rest();
  };

  /** Unless it is older than what is known. */
  const take = (key: string, object: KubeObject) => {
    if (!isReplay(object.metadata.resourceVersion, versionOf(store.get(key))))
      store.set(key, viewOf(key, object));
  };

  const accept = (kind: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject) => {
    const key = objectKey(object.metadata);
    const { resourceVersion } = object.metadata;
    // A server that tells old events again must not take the cache back in time.
    if (state.state === 'watching' && isReplay(resourceVersion, state.resourceVersion)) return;
    if (kind === 'DELETED') store.delete(key);
    else take(key, object);
    if (resourceVersion) state = { state: 'watching', resourceVersion };
  };

  const recover = (error: unknown) => {
    const code = isAppError(error) ? error.code : 'BUG';
    if (code === 'WATCH_EXPIRED' || code === 'NOT_FOUND' || code === 'BUG') state = { state: 'empty' };
    if (code !== 'WATCH_IDLE') failures += 1;
    blindness.start();
    options.metrics?.count('kmm_watch_restarts_total', { kind: type.kind, cause: code });
    const fields = { kind: type.kind, code, count: failures, err: error };
    // The first break of a watch is daily life; from the third in a row somebody should know.
    if (failures >= 3 || code === 'API_FORBIDDEN' || code === 'BUG') log.error('watch.failed', fields);
    else log.debug('watch.restarted', fields);
  };

  const run = async (signal: AbortSignal) => {
    while (!signal.aborted) {
      try {
        if (state.state === 'empty') await list(signal);
        // Nothing is to be waited for between the two, however many failures there were before.
        if (state.state === 'watching') await watch(state.resourceVersion, signal);
      } catch (error) {
        if (signal.aborted) break;
        recover(error);
      }
      if (failures > 0) {
        const waitMs = backoffMs(failures, options.random(), RETRY);
        await sleep(clock, waitMs, signal).catch(() => {});
      }
    }
    blindness.rest();
  };

  return {
    get: store.get,
    all: store.all,
    by: store.by,
    onChange: store.onChange,
    get size() {
      return store.size;
    },
    get synced() {
      return synced;
    },
    learn(object) {
      const key = objectKey(object.metadata);
      if (!store.get(key)) return;
      take(key, object);
      if (state.state === 'empty') learnt.add(key);
    },
    whenSynced: () => (synced ? Promise.resolve() : new Promise((resolve) => waiters.push(resolve))),
    kind: type.kind,
    get version() {
      return state.state === 'watching' ? state.resourceVersion : '';
    },
    onList: (handler) => void listeners.push(handler),
    get isBlind() {
      return blindness.barks;
    },
    run,
  };
}

/** Kinds of caches that see nothing, for an operator to tell. */
export function blindKinds(caches: readonly Pick<WatchedCache<never>, 'kind' | 'isBlind'>[]): string[] {
  return caches.filter(({ isBlind }) => isBlind).map(({ kind }) => kind);
}

const versionOf = (object: Versioned | undefined) => object?.metadata.resourceVersion ?? '';

/** Versions of one server count upwards; what is not a number cannot be judged and is taken. */
function isReplay(version: string | undefined, seen: string): boolean {
  return Number(version) <= Number(seen);
}
