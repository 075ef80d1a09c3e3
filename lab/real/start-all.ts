/** Says how to end what has just begun. */
export type Defer = (end: () => unknown) => void;

/** What was started; all that it is made of ends in reverse order. */
export type Started<T> = T & { stop(): Promise<void> };

/**
 * Starts what has several parts. When one cannot be started, those that have begun are ended, the last one first, and the
 * failure told is that of the start. Every end is tried, whatever becomes of the others. Stopping twice is stopping once:
 * who does so meanwhile waits for the same end.
 */
export async function startAll<T extends object>(start: (defer: Defer) => Promise<T>): Promise<Started<T>> {
  const ends: (() => unknown)[] = [];
  let ending: Promise<void> | undefined;
  const stop = () => {
    ending ??= endAll(ends).finally(() => {
      ending = undefined;
    });
    return ending;
  };
  try {
    return Object.assign(await start((end) => ends.push(end)), { stop });
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
}

async function endAll(ends: (() => unknown)[]): Promise<void> {
  const failures: unknown[] = [];
  for (let end = ends.pop(); end; end = ends.pop()) {
    try {
      await end();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
