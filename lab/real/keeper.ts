import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { spawnMortal } from './mortal-child.ts';
import { stopChild } from './registry.ts';

/** Programs of others that are started again when they end, as a kubelet would. */
export interface Keeper {
  keep(name: string, program: string, args: readonly string[], env?: Readonly<Record<string, string>>): void;
  signal(name: string, signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

const RESTART_MS = 500;

/** @param directory for a log of each program, and for what it leaves in its temporary folder */
export function createKeeper(directory: string): Keeper {
  mkdirSync(directory, { recursive: true });
  const children = new Map<string, ChildProcess>();
  let isOver = false;
  const keep: Keeper['keep'] = (name, program, args, env) => {
    const child = spawnMortal(program, args, join(directory, `${name}.log`), {
      ...process.env,
      // Self-signed certificates lie there, and nobody would remove them.
      TMPDIR: directory,
      ...env,
    });
    children.set(name, child);
    child.once('exit', () => {
      if (!isOver) setTimeout(() => !isOver && keep(name, program, args, env), RESTART_MS);
    });
  };
  return {
    keep,
    signal: (name, signal) => void children.get(name)?.kill(signal),
    async stop() {
      isOver = true;
      for (const child of children.values()) child.kill('SIGKILL');
      await Promise.all([...children.values()].map(stopChild));
    },
  };
}
