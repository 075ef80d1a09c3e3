import type { Clock } from '@kmm-fleet/runtime';

/** When the status of a module is to be written: a burst of events becomes one write, and a stream of them a few. */
export interface Pace {
  /** Something has changed. */
  heard(module: string): void;
  /** How long to wait before it is told, in milliseconds; not at all where nothing has changed. */
  waitMs(module: string): number;
  told(module: string): void;
  forget(module: string): void;
}

/** After an event more of them often come. */
export const CALM_MS = 300;
/** While they go on and on, this is how often they are told: 3,500 reports take a second or two. */
const STREAM_MS = 1_500;
/** In each two of these times it is told twice at most: what a stream ends with need not wait for another one. */
const TWICE_MS = 2 * STREAM_MS;

const NEVER = [-Infinity, -Infinity] as const;

export function createPace(clock: Pick<Clock, 'now'>): Pace {
  /** The first and the last event that were not told yet, in milliseconds since the epoch. */
  const untold = new Map<string, { readonly firstMs: number; readonly lastMs: number }>();
  /** When it was told last, and when before that. */
  const toldMs = new Map<string, readonly [last: number, before: number]>();
  return {
    heard(module) {
      const lastMs = clock.now();
      untold.set(module, { firstMs: untold.get(module)?.firstMs ?? lastMs, lastMs });
    },
    waitMs(module) {
      const events = untold.get(module);
      if (!events) return 0;
      const calmMs = Math.min(events.lastMs + CALM_MS, events.firstMs + STREAM_MS);
      const [, beforeMs] = toldMs.get(module) ?? NEVER;
      return Math.max(0, Math.max(calmMs, beforeMs + TWICE_MS) - clock.now());
    },
    told(module) {
      untold.delete(module);
      toldMs.set(module, [clock.now(), (toldMs.get(module) ?? NEVER)[0]]);
    },
    forget(module) {
      untold.delete(module);
      toldMs.delete(module);
    },
  };
}
