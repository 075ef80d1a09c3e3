import type { Clock } from '@kmm-fleet/runtime';

/** When the status of a module is to be written: a burst of events becomes one write, and a stream of them a few. */
export interface Pace {
  /** Something has changed. */
  heard(module: string): void;
  /** How long to wait before it is told, in milliseconds; not at all where nothing has changed. */
  waitMs(module: string): number;
  /** What was heard so far is summed up now. */
  summed(module: string): void;
  /** A status was written: a sum that says nothing new is none. */
  told(module: string): void;
  forget(module: string): void;
}

/** After an event more of them often come. */
export const CALM_MS = 150;
/** While they go on and on, this is how often they are told: 3,500 reports take a second or two. */
const STREAM_MS = 1_500;
/** In this time it is told three times at most: what a burst ends with need not wait, and a trickle is a write a second. */
const THRICE_MS = 2 * STREAM_MS;

export function createPace(clock: Pick<Clock, 'elapsed'>): Pace {
  /** The first and the last event that were not told yet, on a clock that nobody sets. */
  const untold = new Map<string, { readonly firstMs: number; readonly lastMs: number }>();
  /** When it was told the last three times, the latest first. */
  const toldMs = new Map<string, readonly number[]>();
  return {
    heard(module) {
      const lastMs = clock.elapsed();
      untold.set(module, { firstMs: untold.get(module)?.firstMs ?? lastMs, lastMs });
    },
    waitMs(module) {
      const events = untold.get(module);
      if (!events) return 0;
      const calmMs = Math.min(events.lastMs + CALM_MS, events.firstMs + STREAM_MS);
      const thirdMs = toldMs.get(module)?.[2] ?? -Infinity;
      return Math.max(0, Math.max(calmMs, thirdMs + THRICE_MS) - clock.elapsed());
    },
    summed: (module) => void untold.delete(module),
    told(module) {
      toldMs.set(module, [clock.elapsed(), ...(toldMs.get(module) ?? [])].slice(0, 3));
    },
    forget(module) {
      untold.delete(module);
      toldMs.delete(module);
    },
  };
}
