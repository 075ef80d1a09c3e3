import { readFileSync } from 'node:fs';
import { runCommand } from '@kmm-fleet/lab';
import type { FsEntry } from '../layers/image-fs.ts';

const PROGRAMS = ['/bin/sh', '/bin/cat', '/bin/sleep'];

/** This machine's shell and some programs with the libraries they need: the smallest image in which RUN works. */
export async function shellFiles(): Promise<Record<string, FsEntry>> {
  const list = await runCommand('ldd', PROGRAMS);
  const libraries = [...list.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
  return Object.fromEntries(
    [...PROGRAMS, ...libraries].map((path) => [
      path,
      { type: 'file', mode: 0o755, bytes: readFileSync(path) },
    ]),
  );
}
