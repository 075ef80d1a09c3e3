import { aborted, type Queue, type WatchedCache } from '@kmm-fleet/runtime';

/** A controller at work. */
export interface Running {
  /** Resolves when everything has ended after a stop. */
  readonly done: Promise<void>;
  stop(): Promise<void>;
  /** Its caches are complete and nothing waits for a worker; work planned for later does not count. */
  settled(): boolean;
}

/** What {@link startController} has to know of a cache. */
type AnyCache = Pick<WatchedCache<never>, 'run' | 'whenSynced' | 'synced'>;

/** Runs caches, and queues as soon as all caches are complete: no pass sees half a list. */
export function startController(caches: readonly AnyCache[], queues: readonly Queue[]): Running {
  const controller = new AbortController();
  const { signal } = controller;
  const work = async () => {
    await Promise.race([Promise.all(caches.map((cache) => cache.whenSynced())), aborted(signal)]);
    if (!signal.aborted) await Promise.all(queues.map((queue) => queue.run(signal)));
  };
  const done = Promise.all([...caches.map((cache) => cache.run(signal)), work()]).then(() => {});
  return {
    done,
    async stop() {
      controller.abort(new Error('stopped'));
      await done;
    },
    settled: () => caches.every(({ synced }) => synced) && queues.every(({ idle }) => idle),
  };
}

/** Several controllers as one. */
export function joinRunning(all: readonly Running[]): Running {
  const done = Promise.all(all.map((one) => one.done)).then(() => {});
  return {
    done,
    async stop() {
      await Promise.all(all.map((one) => one.stop()));
    },
    settled: () => all.every((one) => one.settled()),
  };
}
