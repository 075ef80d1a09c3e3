/** Tasks that go on behind the one who adds them, no more than `max` at once. */
export interface Background {
  /** Resolves when there is room for another one. @throws what a task before has thrown */
  add(task: () => Promise<void>): Promise<void>;
  /** Resolves when all have ended. @throws what one of them has thrown */
  drain(): Promise<void>;
}

export function createBackground(max: number): Background {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const check = () => {
    if (failures.length > 0) throw failures[0];
  };
  return {
    async add(task) {
      check();
      const done: Promise<void> = task()
        .catch((error: unknown) => void failures.push(error))
        .finally(() => running.delete(done));
      running.add(done);
      if (running.size >= max) await Promise.race(running);
    },
    async drain() {
      await Promise.all(running);
      check();
    },
  };
}

/** A disk that is full ends a gather; an API server that fails does not. */
export function isDiskFailure(error: unknown): boolean {
  return (
    error instanceof Error &&
    'syscall' in error &&
    ['open', 'write', 'mkdir', 'close'].includes(String(error.syscall))
  );
}
