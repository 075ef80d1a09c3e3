import type { Clock, Metrics } from '@kmm-fleet/runtime';
import type { ItemState } from './item-status.ts';

/** How long clusters take to apply what the hub has written for them. */
export interface ApplyTimes {
  wrote(key: string): void;
  report(key: string, state: ItemState | undefined): void;
}

/** States that a work is in before its cluster has applied it. */
const UNDER_WAY = new Set(['WaitingForAgent', 'WorkPending']);

/** One number per item that is under way: no more than there are works. */
export function createApplyTimes(metrics: Metrics | undefined, clock: Pick<Clock, 'elapsed'>): ApplyTimes {
  /** When it was written, on a clock that nobody sets. */
  const since = new Map<string, number>();
  return {
    wrote: (key) => void since.set(key, clock.elapsed()),
    report(key, state) {
      const startedMs = since.get(key);
      if (startedMs === undefined || (state && UNDER_WAY.has(state.reason))) return;
      since.delete(key);
      if (state?.work.isApplied)
        metrics?.observe('kmm_work_apply_duration_seconds', {}, (clock.elapsed() - startedMs) / 1_000);
    },
  };
}
