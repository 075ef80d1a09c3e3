import { createImageFs, type ImageFs } from '@kmm-fleet/images';
import { makeModule } from '@kmm-fleet/images/testing';

/** A module that comes with the node's kernel. */
export interface InTreeModule {
  readonly name: string;
  readonly exports?: readonly string[];
  /** Loaded when the node boots. */
  readonly isLoadedAtBoot?: boolean;
}

/** The disk of a node: it outlives every boot. */
export interface HostFiles {
  readonly tree: ImageFs;
  /** Files of in-tree modules: the kernel trusts them. */
  readonly inTreeFiles: ReadonlySet<Uint8Array>;
  /** Installs a kernel's modules, as its package does; kernels that are there stay. */
  installKernel(release: string): void;
}

const DIRECTORIES = [
  '/dev',
  '/etc',
  '/lib/firmware',
  '/run',
  '/tmp',
  '/var/lib/kubelet/device-plugins',
  '/var/log',
];

export function createHostFiles(inTree: readonly InTreeModule[]): HostFiles {
  const tree = createImageFs();
  const inTreeFiles = new Set<Uint8Array>();
  for (const path of DIRECTORIES) tree.write(path, { type: 'directory', mode: 0o755 });
  const writeText = (path: string, text: string) =>
    tree.write(path, { type: 'file', mode: 0o644, bytes: Buffer.from(text) });
  return {
    tree,
    inTreeFiles,
    installKernel(release) {
      const directory = `/lib/modules/${release}`;
      if (tree.lookup(directory)) return;
      for (const { name, exports = [] } of inTree) {
        const bytes = makeModule({ name, kernel: release, exports });
        inTreeFiles.add(bytes);
        tree.write(`${directory}/kernel/${name}.ko`, { type: 'file', mode: 0o644, bytes });
      }
      writeText(`${directory}/modules.dep`, inTree.map(({ name }) => `kernel/${name}.ko:\n`).join(''));
      writeText(`${directory}/modules.builtin`, 'kernel/fs/ext4/ext4.ko\n');
    },
  };
}
