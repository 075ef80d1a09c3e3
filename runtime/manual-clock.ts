import type { Clock } from './clock.ts';

/** A clock that stands still until it is told to move. */
export interface ManualClock extends Clock {
  /** Somebody sets the wall clock, which no timer notices. */
  set(nowMs: number): void;
  /** Moves time on by `durationMs`, running what falls due in order of time, then of arrival. */
  advance(durationMs: number): Promise<void>;
  /** Runs all promise work that does not wait for time. */
  settle(): Promise<void>;
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
  let passedMs = 0;
  /** When it began, as the wall clock has it by now. */
  let beganMs = startMs;
  let order = 0;
  const timers = new Set<Timer>();
  const next = (): Timer | undefined => {
    let first: Timer | undefined;
    for (const timer of timers) if (!first || earlier(timer, first)) first = timer;
    return first;
  };
  const clock: ManualClock = {
    now: () => beganMs + passedMs,
    elapsed: () => passedMs,
    after(delayMs, run) {
      const timer: Timer = { at: passedMs + Math.max(0, delayMs), order: order++, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async advance(durationMs) {
      const until = passedMs + durationMs;
      await clock.settle();
      for (let timer = next(); timer && timer.at <= until; timer = next()) {
        timers.delete(timer);
        passedMs = Math.max(passedMs, timer.at);
        timer.run();
        await clock.settle();
      }
      passedMs = until;
    },
    async settle() {
      for (let turn = 0; turn < SETTLE_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
    },
    set(wallMs) {
      beganMs = wallMs - passedMs;
    },
    pending: () => timers.size,
  };
  return clock;
}

const earlier = (a: Timer, b: Timer) => a.at < b.at || (a.at === b.at && a.order < b.order);
