/** Lets at most so many tasks run at once; the rest wait in order of arrival. */
export interface Limiter {
  run<T>(task: () => Promise<T>): Promise<T>;
}

export function createLimiter(max: number): Limiter {
  let running = 0;
  const waiting: (() => void)[] = [];
  return {
    async run(task) {
      if (running >= max) await new Promise<void>((resolve) => waiting.push(resolve));
      else running++;
      try {
        return await task();
      } finally {
        // The place is handed over, not given back, so that nobody who comes later overtakes.
        const next = waiting.shift();
        if (next) next();
        else running--;
      }
    },
  };
}
