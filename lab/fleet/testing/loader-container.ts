import type { X509Certificate } from 'node:crypto';
import { createHostFiles } from '../node/files/host-files.ts';
import { kernelMounts } from '../node/files/kernel-files.ts';
import { createKernel } from '../node/kernel/kernel.ts';
import { type Files, makeContainer } from './container.ts';

const FIRMWARE_PATH = '/var/lib/firmware';

/** A container of a module loader on a simulated node that has just booted: the image, and what the pod mounts. */
export function makeLoaderContainer(
  files: Files,
  options: {
    readonly release: string;
    readonly secureBoot: boolean;
    readonly trusted: readonly X509Certificate[];
    /** Names of modules that come with the node's kernel. */
    readonly inTree: readonly string[];
  },
): ReturnType<typeof makeContainer> {
  const { release, secureBoot, trusted, inTree } = options;
  const { tree, inTreeFiles, installKernel } = createHostFiles(inTree.map((name) => ({ name })));
  installKernel(release);
  tree.write(FIRMWARE_PATH, { type: 'directory', mode: 0o755 });
  const hasFirmware = (file: string) => tree.lookup(`${FIRMWARE_PATH}/${file}`)?.type === 'file';
  const kernel = createKernel({ release, secureBoot, trusted, inTreeFiles, hasFirmware });
  const modules = `/lib/modules/${release}`;
  const mounts = [
    { path: modules, tree, root: modules, readOnly: true },
    { path: FIRMWARE_PATH, tree, root: FIRMWARE_PATH, readOnly: false },
    ...kernelMounts(kernel, FIRMWARE_PATH),
  ];
  return makeContainer(files, { kernel, mounts });
}
