import type { ChildProcess } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NODE_FLAGS, spawnMortal, stopChild } from '@kmm-fleet/lab';

export interface Supervised {
  readonly pid: () => number;
  /** Ends the process without warning; it is started again. */
  kill(): void;
  stop(): Promise<void>;
}

const RESTART_MS = 500;

/**
 * Keeps one process of ours running as Kubernetes would: when it ends, even by SIGKILL, it is started again. With
 * KMM_PROGRAMS that is the program of that folder, as images have it, in place of the sources.
 *
 * @param room package whose main.ts is run
 * @param changed called when the process id has changed
 */
export function supervise(
  room: 'hub' | 'spoke',
  env: Readonly<Record<string, string>>,
  logFile: string,
  changed: () => void,
): Supervised {
  const programs = process.env['KMM_PROGRAMS'];
  const sources = dirname(fileURLToPath(import.meta.resolve(`@kmm-fleet/${room}`)));
  const main = programs ? [...NODE_FLAGS[room], join(programs, `${room}.js`)] : [join(sources, 'main.ts')];
  let isStopping = false;
  let child: ChildProcess;
  const start = () => {
    child = spawnMortal(process.execPath, main, logFile, {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      ...env,
    });
    child.once('exit', () => {
      if (!isStopping) setTimeout(restart, RESTART_MS);
    });
  };
  const restart = () => {
    if (isStopping) return;
    start();
    changed();
  };
  start();
  return {
    pid: () => child.pid ?? 0,
    kill: () => void child.kill('SIGKILL'),
    stop: () => {
      isStopping = true;
      return stopChild(child);
    },
  };
}
