import type { ChildProcess } from 'node:child_process';
import { stopChild } from './mortal-child.ts';

/** A process that is started again when it ends, even by SIGKILL, as Kubernetes would start it. */
export interface Supervised {
  readonly pid: () => number;
  /** SIGKILL, without warning, when no signal is named. */
  kill(signal?: NodeJS.Signals): void;
  /** How often it ended, but not by a signal that kill() had sent it. */
  crashes(): number;
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
  let crashes = 0;
  /** The last signal to each; one that is sent after its end is nobody's. */
  const sent = new WeakMap<ChildProcess, NodeJS.Signals>();
  const watched = (child: ChildProcess) =>
    child.once('exit', (_code, signal) => {
      if (isOver) return;
      if (signal === null || signal !== sent.get(child)) crashes += 1;
      setTimeout(restart, RESTART_MS);
    });
  let child = watched(options.first ?? start());
  const restart = () => {
    if (isOver) return;
    child = watched(start());
    options.restarted?.();
  };
  return {
    pid: () => child.pid ?? 0,
    kill(signal = 'SIGKILL') {
      sent.set(child, signal);
      child.kill(signal);
    },
    crashes: () => crashes,
    stop() {
      isOver = true;
      return stopChild(child);
    },
  };
}
