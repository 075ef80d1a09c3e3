import { type ChildProcess, spawn } from 'node:child_process';
import { openSync } from 'node:fs';

/** Starts a program that does not outlive this process, however this process ends. Its output goes to a file. */
export function spawnMortal(
  program: string,
  args: readonly string[],
  logFile: string,
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const log = openSync(logFile, 'a');
  return spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], {
    stdio: ['ignore', log, log],
    env: { ...process.env, ...env },
  });
}
