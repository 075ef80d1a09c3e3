import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.ts';

/** buildah with a storage of its own in a working folder, which is the context of its builds and goes with them. */
export interface Oven {
  /** @param recipe text of a Dockerfile; equal inputs give equal images */
  bake(reference: string, recipe: string): Promise<void>;
  /** @param target as buildah names one; the reference itself when left out. @returns its digest */
  push(reference: string, options: readonly string[], target?: string): Promise<string>;
}

export function createOven(work: string): Oven {
  const roots = [
    '--root',
    join(work, 'containers'),
    '--runroot',
    join(work, 'run'),
    '--storage-driver',
    'vfs',
  ];
  return {
    async bake(reference, recipe) {
      const file = join(work, `Dockerfile.${reference.replaceAll(/\W/g, '-')}`);
      writeFileSync(file, recipe);
      const flags = ['-q', '--isolation', 'chroot', '--timestamp', '0', '-t', reference, '-f', file];
      await runCommand('buildah', [...roots, 'bud', ...flags, work]);
    },
    async push(reference, options, target = reference) {
      const digest = join(work, 'digest');
      await runCommand('buildah', [
        ...roots,
        'push',
        '-q',
        ...options,
        '--digestfile',
        digest,
        reference,
        target,
      ]);
      return readFileSync(digest, 'utf8').trim();
    },
  };
}
