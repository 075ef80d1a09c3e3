import type { Clock } from './clock.ts';

/** A clock that stands still until it is told to move. */
export interface ManualClock extends Clock {
  /** Somebody sets the wall clock, which no timer notices. */
  set(nowMs: number): void;
  /** Moves time on by `durationMs`, running what falls due in order of time, then of arrival. */
  advance(durationMs: number): Promise<void>;
  /** Runs all promise work that does not wait for time. */
  settle(): Promise<void>;
  /** When the next timer falls due, in milliseconds since the epoch, if nobody sets the clock. */
  nextAt(): number | undefined;
  /** Timers that wait. */
  pending(): number;
}

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Turns of the event loop after which promise work counts as done: streams hand over once per turn. */
const SETTLE_TURNS = 3;

/** A clock for simulations, starting at `startMs` (2026-01-01 by default). */
export function createManualClock(startMs = Date.UTC(2026, 0, 1)): ManualClock {
  let nowMs = startMs;
  /** By which the wall clock is ahead of the time that has passed. */
  let aheadMs = 0;
  let order = 0;
  const timers = new Set<Timer>();
  const next = (): Timer | undefined => {
    let first: Timer | undefined;
    for (const timer of timers) if (!first || earlier(timer, first)) first = timer;
    return first;
  };
  const clock: ManualClock = {
    now: () => nowMs + aheadMs,
    elapsed: () => nowMs - startMs,
    after(delayMs, run) {
      const timer: Timer = { at: nowMs + Math.max(0, delayMs), order: order++, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async advance(durationMs) {
      const until = nowMs + durationMs;
      await clock.settle();
      for (let timer = next(); timer && timer.at <= until; timer = next()) {
        timers.delete(timer);
        nowMs = Math.max(nowMs, timer.at);
        timer.run();
        await clock.settle();
      }
      nowMs = until;
    },
    async settle() {
      for (let turn = 0; turn < SETTLE_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
    },
    set(wallMs) {
      aheadMs = wallMs - nowMs;
    },
    nextAt: () => next()?.at,
    pending: () => timers.size,
  };
  return clock;
}

const earlier = (a: Timer, b: Timer) => a.at < b.at || (a.at === b.at && a.order < b.order);
