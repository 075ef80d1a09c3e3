import { readFileSync } from 'node:fs';
import { MALLOC, spawnMortal, stopChild, tailOf } from '@kmm-fleet/lab';
import { type ProcessCost, processCost } from './process-cost.ts';

/** A hub or a spoke as it is installed: a process of its own, whose cost can be read off. */
export interface RunningOperator extends ProcessCost {
  /** @throws {Error} with its last words when it has ended */
  mustLive(): void;
  /** Stands still until it is thawed; what happens meanwhile then reaches it all at once. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** @param program what `bundleOperator` returned */
export function startOperator(
  program: readonly string[],
  env: Readonly<Record<string, string>>,
  logFile: string,
): RunningOperator {
  const child = spawnMortal(process.execPath, program, logFile, {
    PATH: process.env['PATH'],
    ...MALLOC,
    ...env,
  });
  const cost = processCost(child.pid);
  const mustLive = () => {
    if (child.exitCode === null && child.signalCode === null) return;
    const ending = child.signalCode ?? `code ${child.exitCode}`;
    throw new Error(`The operator has ended with ${ending}:\n${tailOf(readFileSync(logFile, 'utf8'), 15)}`);
  };
  const ofLiving = (read: () => number) => () => {
    mustLive();
    return read();
  };
  return {
    mustLive,
    cpuSeconds: ofLiving(cost.cpuSeconds),
    residentMiB: ofLiving(cost.residentMiB),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    stop: () => stopChild(child),
  };
}
