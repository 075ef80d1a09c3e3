import { performance } from 'node:perf_hooks';

/** At rest: V8 gives back what a start took some ten seconds after it. */
export const SETTLE_MS = 15_000;

/** One figure beside what it is compared with in the same run. */
export interface Figure {
  readonly name: string;
  readonly value: string;
  /** Measured over compared; below `ratioMax` is good. */
  readonly ratio: number;
  readonly ratioMax: number;
  /** What KMM 2.6.0 took for it where that was measured, in the same way on a machine of the same size. */
  readonly upstream?: string;
}

/** Median of several runs, in milliseconds. */
export async function medianMs(runs: number, task: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const started = performance.now();
    await task();
    times.push(performance.now() - started);
  }
  return median(times);
}

/** Medians of two short tasks that take turns: whatever else the machine does meets both. */
export function mediansMs(runs: number, ...tasks: readonly [() => unknown, () => unknown]): [number, number] {
  const times: [number[], number[]] = [[], []];
  for (let run = 0; run < runs; run++)
    for (const which of [0, 1] as const) {
      const started = performance.now();
      tasks[which]();
      times[which].push(performance.now() - started);
    }
  return [median(times[0]), median(times[1])];
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
