import {
  type Clock,
  createCache,
  type KubeClient,
  type KubeObject,
  type Log,
  objectKey,
  type Random,
  type ResourceType,
  type WatchedCache,
} from '@kmm-fleet/runtime';

/** An object whose changes a work wants to hear of. */
export interface WatchedObject {
  readonly type: ResourceType;
  readonly namespace: string;
  readonly name: string;
}

/** Watches for `feedbackScrapeType: Watch`, one per kind and namespace, shared by all works. */
export interface FeedbackWatches {
  /** States all objects that a work wants watched; those it no longer names are let go. */
  follow(work: string, objects: readonly WatchedObject[]): void;
  /** The object as last seen: undefined when it is not there, `unknown` while nothing was listed or no watch was free. */
  get(object: WatchedObject): KubeObject | undefined | 'unknown';
  stop(): Promise<void>;
}

/** OCM's `--max-feedback-watch`: works beyond it are polled. */
const WATCHES_MAX = 50;

interface Watch {
  readonly cache: WatchedCache<KubeObject>;
  readonly controller: AbortController;
  readonly done: Promise<void>;
  /** Object key → works. */
  readonly followers: Map<string, Set<string>>;
}

export function createFeedbackWatches(
  ports: { readonly client: KubeClient; readonly clock: Clock; readonly random: Random; readonly log: Log },
  changed: (work: string) => void,
): FeedbackWatches {
  const watches = new Map<string, Watch>();

  const open = (id: string, { type, namespace }: WatchedObject): Watch => {
    const cache = createCache({ ...ports, type, ...(namespace && { namespace }) });
    const controller = new AbortController();
    const followers = new Map<string, Set<string>>();
    cache.onChange(({ key }) => {
      for (const work of followers.get(key) ?? []) changed(work);
    });
    const watch = { cache, controller, followers, done: cache.run(controller.signal) };
    watches.set(id, watch);
    return watch;
  };

  return {
    follow(work, objects) {
      for (const { followers } of watches.values()) {
        for (const [key, works] of followers) {
          works.delete(work);
          if (works.size === 0) followers.delete(key);
        }
      }
      for (const object of objects) {
        const id = watchId(object);
        const watch = watches.get(id) ?? (watches.size < WATCHES_MAX ? open(id, object) : undefined);
        const key = objectKey(object);
        watch?.followers.set(key, (watch.followers.get(key) ?? new Set()).add(work));
      }
      for (const [id, { followers, controller }] of watches) {
        if (followers.size > 0) continue;
        controller.abort(new Error('nobody follows'));
        watches.delete(id);
      }
    },
    get(object) {
      const watch = watches.get(watchId(object));
      return watch?.cache.synced ? watch.cache.get(objectKey(object)) : 'unknown';
    },
    async stop() {
      for (const { controller } of watches.values()) controller.abort(new Error('stopped'));
      await Promise.all([...watches.values()].map(({ done }) => done));
      watches.clear();
    },
  };
}

const watchId = ({ type, namespace }: WatchedObject) =>
  [type.group, type.version, type.plural, namespace].join('/');
