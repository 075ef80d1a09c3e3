import type { Clock } from './clock.ts';
import type { EventRecorder } from './events.ts';
import { type LeaseOptions, runLeased } from './lease.ts';
import { createWatchdog } from './watchdog.ts';

export interface Operator {
  /** Works until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
  /** Caches are filled. */
  ready(): boolean;
  /** Kinds of which nothing could be seen for minutes. */
  blind(): readonly string[];
}

/** A turn of the lease loop takes some seconds, however its requests end. */
const STUCK_MS = 60_000;
/** How long the last events may take to be written: a stop has 20 s for everything. */
const FLUSH_MS = 5_000;

/** The work of an operator from its start to its stop, and what a kubelet is told meanwhile. */
export interface OperatorLife {
  /**
   * Works until the signal is aborted or the lease is lost; without `lease` at once. What it recorded at last is
   * written before this returns.
   */
  run(lease: LeaseOptions | undefined, signal: AbortSignal): Promise<void>;
  /** One that stands by until the lease is free is ready: a rollout waits for it before it ends the one that works. One that may not have it is not. */
  notReady(): string | undefined;
  sick(): string | undefined;
}

export function createOperatorLife(operator: Operator, events: EventRecorder, clock: Clock): OperatorLife {
  const loop = createWatchdog(clock, STUCK_MS);
  let isWorking = false;
  let denied: string | undefined;

  const work = (signal: AbortSignal) => {
    isWorking = true;
    return operator.run(signal);
  };
  const onTurn = () => {
    loop.rest();
    loop.start();
  };

  const onDenied = (why: string | undefined) => {
    denied = why;
  };

  return {
    async run(lease, signal) {
      try {
        await (lease ? runLeased({ ...lease, onTurn, onDenied }, work, signal) : work(signal));
      } finally {
        loop.rest();
        await within(clock, FLUSH_MS, events.flush());
      }
    },
    notReady() {
      if (!isWorking) return denied && `not ready: ${denied}`;
      if (!operator.ready()) return 'not ready: waiting for caches';
      const blind = operator.blind();
      return blind.length > 0
        ? `not ready: for minutes nothing could be seen of ${blind.join(', ')}`
        : undefined;
    },
    sick: () => (loop.barks ? 'stuck: the lease is neither renewed nor given up' : undefined),
  };
}

async function within(clock: Clock, ms: number, done: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const disarm = clock.after(ms, late.resolve);
  await Promise.race([done, late.promise]);
  disarm();
}
