import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnMortal, stopChild } from '@kmm-fleet/lab';

/** A hub as it is installed: a process of its own, whose cost can be read off. */
export interface HubProcess {
  /** CPU that it used so far, user and system, in seconds. */
  cpuSeconds(): number;
  residentMiB(): number;
  stop(): Promise<void>;
}

/** Linux counts CPU time in hundredths of a second. */
const TICKS_PER_SECOND = 100;

export function startHubProcess(env: Readonly<Record<string, string>>, logFile: string): HubProcess {
  const main = join(dirname(fileURLToPath(import.meta.resolve('@kmm-fleet/hub'))), 'main.ts');
  const child = spawnMortal(process.execPath, [main], logFile, { ...process.env, ...env });
  const proc = (file: string) => readFileSync(`/proc/${child.pid}/${file}`, 'utf8');
  return {
    cpuSeconds() {
      // After the name in brackets; user and system time are the 14th and 15th field.
      const fields = proc('stat').split(') ')[1]?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    },
    residentMiB: () => Number(/^VmRSS:\s+(\d+) kB$/m.exec(proc('status'))?.[1] ?? 0) / 1_024,
    stop: () => stopChild(child),
  };
}
