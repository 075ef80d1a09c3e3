import { asError } from './clock.ts';

/** Lets at most so many tasks run at once; the rest wait in order of arrival. */
export interface Limiter {
  /** Rejects with the signal's reason when it is aborted while the task waits, which is never started then. */
  run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

export function createLimiter(max: number): Limiter {
  let running = 0;
  const waiting = new Set<() => void>();
  const turn = (signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const leave = () => {
        waiting.delete(start);
        reject(asError(signal?.reason));
      };
      const start = () => {
        waiting.delete(start);
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      if (signal?.aborted) return leave();
      signal?.addEventListener('abort', leave, { once: true });
      waiting.add(start);
    });
  return {
    async run(task, signal) {
      if (running >= max) await turn(signal);
      else running++;
      try {
        return await task();
      } finally {
        // The place is handed over, not given back, so that nobody who comes later overtakes.
        const [next] = waiting;
        if (next) next();
        else running--;
      }
    },
  };
}
