import type { Clock } from './clock.ts';

/** Barks when it was started and nobody let it rest in time. */
export interface Watchdog {
  /** Does nothing while it runs. */
  start(): void;
  /** Ends what was started, and its barking. */
  rest(): void;
  readonly barks: boolean;
}

/** It counts by a timer, not by differences of `now()`: the wall clock may be set at any moment. */
export function createWatchdog(clock: Clock, patienceMs: number): Watchdog {
  let disarm: (() => void) | undefined;
  let barks = false;
  return {
    start() {
      disarm ??= clock.after(patienceMs, () => {
        barks = true;
      });
    },
    rest() {
      disarm?.();
      disarm = undefined;
      barks = false;
    },
    get barks() {
      return barks;
    },
  };
}
