import { spawnMortal, stopChild } from '@kmm-fleet/lab';
import { type ProcessCost, processCost } from '../process-cost.ts';

/** A hub as it is installed: a process of its own, whose cost can be read off. */
export interface HubProcess extends ProcessCost {
  /** Stands still until it is thawed; what happens meanwhile then reaches it all at once. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

export function startHubProcess(
  program: readonly string[],
  env: Readonly<Record<string, string>>,
  logFile: string,
): HubProcess {
  const child = spawnMortal(process.execPath, program, logFile, {
    PATH: process.env['PATH'],
    ...env,
  });
  return {
    ...processCost(child.pid),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    stop: () => stopChild(child),
  };
}
