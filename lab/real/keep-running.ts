import type { ChildProcess } from 'node:child_process';
import { stopChild } from './mortal-child.ts';

/** A process that is started again when it ends, even by SIGKILL, as Kubernetes would start it. */
export interface Supervised {
  readonly pid: () => number;
  /** SIGKILL, without warning, when no signal is named. */
  kill(signal?: NodeJS.Signals): void;
  /** Ends it for good. */
  stop(): Promise<void>;
}

const RESTART_MS = 500;

/**
 * Looks after one process until it is stopped.
 *
 * @param options.first runs already; started here when left out
 * @param options.restarted called when the process id has changed
 */
export function keepRunning(
  start: () => ChildProcess,
  options: { readonly first?: ChildProcess; readonly restarted?: () => void } = {},
): Supervised {
  let isOver = false;
  const watched = (child: ChildProcess) =>
    child.once('exit', () => {
      if (!isOver) setTimeout(restart, RESTART_MS);
    });
  let child = watched(options.first ?? start());
  const restart = () => {
    if (isOver) return;
    child = watched(start());
    options.restarted?.();
  };
  return {
    pid: () => child.pid ?? 0,
    kill: (signal = 'SIGKILL') => void child.kill(signal),
    stop() {
      isOver = true;
      return stopChild(child);
    },
  };
}
