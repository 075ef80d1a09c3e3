import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOven } from './bake-image.ts';
import { makeRootTar, SHELL } from './root-tar.ts';

/** A file system of Debian packages, as the only layer of an image. */
export const rootTarRecipe = (tar: string): string =>
  `FROM scratch\nADD ${tar} /\nENV PATH=/usr/sbin:/usr/bin:/sbin:/bin\n`;

/** Makes the file system in which modules for these kernels are built; headers bring the compiler of their kernel. */
export function makeToolkitTar(target: string, kernels: readonly string[]): Promise<void> {
  const headers = kernels.map((release) => `linux-headers-${release}`);
  return makeRootTar(target, [...SHELL, 'make', 'sed', 'grep', 'mawk', ...headers]);
}

export interface ToolkitRequest {
  /** Releases of this distribution's kernels, whose headers it still has. */
  readonly kernels: readonly string[];
  /** As buildah names one: `docker://registry/name:tag`, `oci-archive:file`. */
  readonly target: string;
  /** Of buildah's push. */
  readonly options: readonly string[];
}

/**
 * Makes an image that DTK_AUTO can stand for, from packages of the machine's own Debian release. Needs root.
 *
 * @returns its digest
 */
export async function makeToolkitImage(
  { kernels, target, options }: ToolkitRequest,
  progress: (line: string) => void,
): Promise<string> {
  const work = mkdtempSync(join(tmpdir(), 'kmm-toolkit-'));
  const reference = 'localhost/driver-toolkit:latest';
  try {
    progress(`unpacking the headers of ${kernels.join(', ')} and their compiler`);
    await makeToolkitTar(join(work, 'toolkit.tar'), kernels);
    const oven = createOven(work);
    progress('making the image');
    await oven.bake(reference, rootTarRecipe('toolkit.tar'));
    progress(`pushing it to ${target}`);
    return await oven.push(reference, options, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
