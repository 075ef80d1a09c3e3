import { backoffMs } from './backoff.ts';
import type { Clock } from './clock.ts';
import { isAppError } from './errors.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Random } from './random.ts';

/** One pass over one key. Throws AppError to be tried again as its code says. */
export type Reconcile = (
  key: string,
  signal: AbortSignal,
) => Promise<undefined | { readonly requeueAfterMs: number }>;

export interface Queue {
  /** Asks for a pass over a key; asking again before it starts changes nothing. */
  add(key: string): void;
  /** Asks for a pass later; an earlier or equal wish for the same key wins. */
  addAfter(key: string, delayMs: number): void;
  /** Works until the signal is aborted and running passes have ended. */
  run(signal: AbortSignal): Promise<void>;
  /** Keys that wait for a worker now. */
  readonly length: number;
  /** Nothing waits for a worker and nothing runs. Delayed keys do not count. */
  readonly idle: boolean;
}

export interface QueueOptions {
  readonly name: string;
  readonly reconcile: Reconcile;
  readonly concurrency?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics?: Metrics | undefined;
  readonly baseMs?: number;
  readonly maxMs?: number;
}

interface Delayed {
  readonly at: number;
  readonly cancel: () => void;
}

/**
 * A work queue that never runs one key twice at once and loses no wish: a key added while it runs is run once more.
 * Only the queue reads how an error wants to be retried, and it logs each failure once.
 */
export function createQueue(options: QueueOptions): Queue {
  const { name, clock, log, random, concurrency = 1 } = options;
  const limits = { baseMs: options.baseMs ?? 200, maxMs: options.maxMs ?? 60_000 };
  const waiting = new Set<string>();
  const running = new Set<string>();
  const again = new Set<string>();
  const failures = new Map<string, number>();
  const delayed = new Map<string, Delayed>();
  let signal: AbortSignal | undefined;
  let drained: (() => void) | undefined;
  let pumping = false;

  const add = (key: string) => {
    dropDelay(key);
    if (running.has(key)) again.add(key);
    else waiting.add(key);
    pumpSoon();
  };

  /** Never inside the caller: a cache tells all its listeners before anybody acts on what changed. */
  const pumpSoon = () => {
    if (pumping) return;
    pumping = true;
    queueMicrotask(pump);
  };

  const dropDelay = (key: string) => {
    delayed.get(key)?.cancel();
    delayed.delete(key);
  };

  const addAfter = (key: string, delayMs: number) => {
    const at = clock.elapsed() + delayMs;
    const known = delayed.get(key);
    if (waiting.has(key) || (known && known.at <= at)) return;
    dropDelay(key);
    const cancel = clock.after(delayMs, () => {
      delayed.delete(key);
      add(key);
    });
    delayed.set(key, { at, cancel });
  };

  const pump = () => {
    pumping = false;
    while (signal && !signal.aborted && running.size < concurrency && waiting.size > 0) {
      const [key = ''] = waiting;
      waiting.delete(key);
      running.add(key);
      void pass(key, signal);
    }
    options.metrics?.set('kmm_queue_depth', { queue: name }, waiting.size);
    if (running.size === 0) drained?.();
  };

  const pass = async (key: string, during: AbortSignal) => {
    const startedMs = clock.elapsed();
    try {
      const outcome = await options.reconcile(key, during);
      failures.delete(key);
      if (outcome) addAfter(key, outcome.requeueAfterMs);
    } catch (error) {
      if (!during.aborted) retry(key, error);
    }
    options.metrics?.observe(
      'kmm_reconcile_duration_seconds',
      { queue: name },
      (clock.elapsed() - startedMs) / 1_000,
    );
    running.delete(key);
    if (again.delete(key)) waiting.add(key);
    pumpSoon();
  };

  const retry = (key: string, error: unknown) => {
    const count = (failures.get(key) ?? 0) + 1;
    failures.set(key, count);
    const code = isAppError(error) ? error.code : 'BUG';
    const kind = isAppError(error) ? error.retry : 'backoff';
    options.metrics?.count('kmm_reconcile_errors_total', { queue: name, code });
    const quick = kind === 'now' && count === 1;
    const fields = { queue: name, key, code, count, err: error };
    if (quick) log.debug('reconcile.retried', fields);
    else log.error('reconcile.failed', fields);
    if (quick) again.add(key);
    else if (kind === 'now' || kind === 'backoff') {
      const waitMs = backoffMs(count, random(), limits);
      addAfter(key, Math.max(waitMs, isAppError(error) ? (error.retryAfterMs ?? 0) : 0));
    } else {
      // Nobody tries again: what comes next is another matter, and of an object that has gone nothing comes.
      failures.delete(key);
    }
  };

  return {
    add,
    addAfter,
    async run(until) {
      signal = until;
      pumpSoon();
      await new Promise<void>((resolve) => {
        const stop = () => {
          for (const key of delayed.keys()) dropDelay(key);
          if (running.size === 0) resolve();
          else drained = resolve;
        };
        if (until.aborted) stop();
        else until.addEventListener('abort', stop, { once: true });
      });
    },
    get length() {
      return waiting.size;
    },
    get idle() {
      return waiting.size === 0 && running.size === 0;
    },
  };
}
