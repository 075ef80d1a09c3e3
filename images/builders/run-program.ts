import { spawn } from 'node:child_process';
import { AppError } from '@kmm-fleet/runtime';

export interface ProgramOptions {
  /** Gets all that the program prints. */
  readonly write: (bytes: Uint8Array) => void;
  /** Beside the environment of this process. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
}

/**
 * Runs a program to its end and hands on what it prints.
 *
 * @returns its exit code, undefined when a signal ended it
 * @throws {AppError} BUILDER_MISSING when it cannot be started; the signal's reason when that was aborted
 */
export function runProgram(
  program: string,
  args: readonly string[],
  { write, env, signal }: ProgramOptions,
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    // An abort before the start would never be heard: listeners hear only what comes.
    if (signal?.aborted) return reject(asError(signal.reason));
    // A group of its own, so that an abort ends the compilers too.
    const child = spawn(program, args, {
      detached: true,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const abort = () => killGroup(child.pid);
    signal?.addEventListener('abort', abort, { once: true });
    child.stdout.on('data', write);
    child.stderr.on('data', write);
    child.on('error', (error) => {
      signal?.removeEventListener('abort', abort);
      reject(
        new AppError('BUILDER_MISSING', `${program} cannot be started: ${error.message}`, { cause: error }),
      );
    });
    child.on('exit', () => {
      if (!signal?.aborted) return;
      // What is left of the group may hold the pipes open: nobody waits for that.
      child.stdout.destroy();
      child.stderr.destroy();
    });
    child.on('close', (code) => {
      signal?.removeEventListener('abort', abort);
      if (signal?.aborted) reject(asError(signal.reason));
      else resolve(code ?? undefined);
    });
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself in this moment.
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
