import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from './command.ts';

/** buildah with a storage of its own. */
export interface Oven {
  /** @param recipe text of a Dockerfile; equal inputs give equal images */
  bake(reference: string, recipe: string): Promise<void>;
  /** @param target as buildah names one; the reference itself when left out. @returns its digest there */
  push(reference: string, options: readonly string[], target?: string): Promise<string>;
  /** Digest of the image's configuration. */
  id(reference: string): Promise<string>;
}

/**
 * @param work context of its builds
 * @param keptIn folder of a storage that outlives them, so that layers are used again; when left out it is in the context
 *   and goes with it, so nothing may stay mounted
 */
export function createOven(work: string, keptIn?: string): Oven {
  const store = keptIn
    ? ['--root', join(keptIn, 'storage'), '--runroot', join(keptIn, 'run')]
    : ['--root', join(work, 'containers'), '--runroot', join(work, 'run'), '--storage-driver', 'vfs'];
  const buildah = (...args: readonly string[]) => runCommand('buildah', [...store, ...args]);
  return {
    async bake(reference, recipe) {
      const file = join(work, `Dockerfile.${reference.replaceAll(/\W/g, '-')}`);
      writeFileSync(file, recipe);
      const flags = ['-q', '--isolation', 'chroot', '--timestamp', '0', '-t', reference, '-f', file];
      await buildah('bud', ...flags, ...(keptIn ? ['--layers'] : []), work);
    },
    async push(reference, options, target = reference) {
      const folder = mkdtempSync(join(tmpdir(), 'kmm-digest-'));
      const digest = join(folder, 'digest');
      try {
        await buildah('push', '-q', ...options, '--digestfile', digest, reference, target);
        return readFileSync(digest, 'utf8').trim();
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    async id(reference) {
      const format = ['--type', 'image', '--format', '{{.FromImageID}}'];
      return (await buildah('inspect', ...format, reference)).trim();
    },
  };
}
