import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOven } from './bake-image.ts';
import { makeRootTar, SHELL } from './root-tar.ts';

/** A file system of Debian packages, as the only layer of an image. */
export const rootTarRecipe = (tar: string): string =>
  `FROM scratch\nADD ${tar} /\nENV PATH=/usr/sbin:/usr/bin:/sbin:/bin\n`;

/** The file system in which modules for these kernels are built; headers bring the compiler of their kernel. */
function makeToolkitTar(target: string, kernels: readonly string[]): Promise<void> {
  const headers = kernels.map((release) => `linux-headers-${release}`);
  return makeRootTar(target, [...SHELL, 'make', 'sed', 'grep', 'mawk', ...headers]);
}

export interface ToolkitRequest {
  /** Releases of this distribution's kernels, whose headers it still has. */
  readonly kernels: readonly string[];
  /** Where it is pushed. */
  readonly image: string;
  /** Logins of registries, as in .docker/config.json. */
  readonly authfile?: string | undefined;
  /** Folder with certificates of the registry. */
  readonly certDir?: string | undefined;
}

/**
 * Makes an image that DTK_AUTO can stand for, from packages of the machine's own Debian release; needs root. The lab
 * builds with one that is made here, so that its kernels prove what `kmm toolkit build` makes.
 *
 * @returns its digest
 */
export async function makeToolkitImage(
  { kernels, image, authfile, certDir }: ToolkitRequest,
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
    progress(`pushing it to ${image}`);
    const options = [
      ...(authfile === undefined ? [] : ['--authfile', authfile]),
      ...(certDir === undefined ? [] : ['--cert-dir', certDir]),
    ];
    return await oven.push(reference, options, `docker://${image}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
