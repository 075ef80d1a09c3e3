import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stopChild } from '@kmm-fleet/lab';

export interface Supervised {
  readonly pid: () => number;
  stop(): Promise<void>;
}

const RESTART_MS = 500;

/**
 * Keeps one process of ours running as Kubernetes would: when it ends, even by SIGKILL, it is started again.
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
  const main = join(dirname(fileURLToPath(import.meta.resolve(`@kmm-fleet/${room}`))), 'main.ts');
  const log = createWriteStream(logFile, { flags: 'a' });
  let isStopping = false;
  let child: ChildProcess;
  const start = () => {
    child = spawn(process.execPath, [main], {
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
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
    stop: () => {
      isStopping = true;
      return stopChild(child);
    },
  };
}
