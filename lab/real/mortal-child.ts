import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, closeSync, openSync } from 'node:fs';

/**
 * Starts a program that does not outlive this process, however this process ends. Its output goes to a file, and so does
 * why it could not be started; then the child has an exit code below zero.
 */
export function spawnMortal(
  program: string,
  args: readonly string[],
  logFile: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): ChildProcess {
  const log = openSync(logFile, 'a');
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], {
    stdio: ['ignore', log, log],
    env,
  });
  closeSync(log);
  return child.on('error', ({ message }) =>
    appendFileSync(logFile, `${program} was not started: ${message}; setpriv is part of util-linux.\n`),
  );
}

/** Ends a child with SIGTERM, and with SIGKILL when it is still there after five seconds. */
export function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const kill = setTimeout(() => child.kill('SIGKILL'), 5_000);
    const ended = () => {
      clearTimeout(kill);
      resolve();
    };
    // What could not be started has no exit to tell.
    child.once('exit', ended).once('error', ended);
    child.kill('SIGTERM');
  });
}
