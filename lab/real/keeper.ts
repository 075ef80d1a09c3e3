import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { keepRunning, type Supervised } from './keep-running.ts';
import { spawnMortal } from './mortal-child.ts';

/** Programs of others by name, each of which is started again when it ends. */
export interface Keeper {
  keep(name: string, program: string, args: readonly string[], env?: Readonly<Record<string, string>>): void;
  signal(name: string, signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

/** @param directory for a log of each program, and for what it leaves in its temporary folder */
export function createKeeper(directory: string): Keeper {
  mkdirSync(directory, { recursive: true });
  const kept = new Map<string, Supervised>();
  return {
    keep(name, program, args, env) {
      const start = () =>
        spawnMortal(program, args, join(directory, `${name}.log`), {
          ...process.env,
          // Self-signed certificates lie there, and nobody would remove them.
          TMPDIR: directory,
          ...env,
        });
      kept.set(name, keepRunning(start));
    },
    signal: (name, signal) => kept.get(name)?.kill(signal),
    async stop() {
      const all = [...kept.values()];
      for (const one of all) one.kill();
      await Promise.all(all.map((one) => one.stop()));
    },
  };
}
