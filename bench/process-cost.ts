import { readdirSync, readFileSync } from 'node:fs';

/** What a running process costs, as Linux counts it. */
export interface ProcessCost {
  /** CPU of its threads so far. */
  cpuSeconds(): number;
  residentMiB(): number;
}

export function processCost(pid: number | undefined): ProcessCost {
  const read = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8');
  return {
    cpuSeconds() {
      const threads = readdirSync(`/proc/${pid}/task`);
      // Nanoseconds on a CPU come first.
      const times = threads.map((thread) => Number(read(`task/${thread}/schedstat`).split(' ')[0]));
      return times.reduce((sum, time) => sum + time, 0) / 1e9;
    },
    residentMiB: () => Number(/^VmRSS:\s+(\d+) kB$/m.exec(read('status'))?.[1] ?? 0) / 1_024,
  };
}
