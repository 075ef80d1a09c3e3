import { createImageFs, type FsEntry, type ImageFs } from '@kmm-fleet/images';
import type { Kernel } from '../kernel/kernel.ts';
import { TAINT } from '../kernel/plan-load.ts';
import type { Mount } from './container-fs.ts';

const file = (text: string): FsEntry => ({ type: 'file', mode: 0o444, bytes: Buffer.from(text) });

/** /proc and /sys as a container sees them: what scripts ask about modules, read from the kernel each time. */
export function kernelMounts(kernel: Kernel, firmwarePath: string): Mount[] {
  const tree = live(() => build(kernel, firmwarePath));
  return ['/proc', '/sys'].map((path) => ({ path, tree, root: path, readOnly: true }));
}

function build(kernel: Kernel, firmwarePath: string): ImageFs {
  const tree = createImageFs();
  const modules = kernel.newestFirst();
  const lines = modules.map(({ name, refcount, holders, taint }) => {
    const users = holders.length > 0 ? `${holders.join(',')},` : '-';
    return `${name} 16384 ${refcount} ${users} Live 0x0000000000000000${taintLetters(taint)}\n`;
  });
  tree.write('/proc/modules', file(lines.join('')));
  tree.write('/proc/sys/kernel/osrelease', file(`${kernel.release}\n`));
  tree.write('/proc/sys/kernel/tainted', file(`${kernel.taint}\n`));
  tree.write('/sys/module/firmware_class/parameters/path', file(`${firmwarePath}\n`));
  for (const { name, refcount, holders, parameters } of modules) {
    tree.write(`/sys/module/${name}/refcnt`, file(`${refcount}\n`));
    for (const holder of holders)
      tree.write(`/sys/module/${name}/holders/${holder}`, {
        type: 'symlink',
        target: `/sys/module/${holder}`,
      });
    tree.write(`/sys/module/${name}/initstate`, file('live\n'));
    for (const [parameter, value] of Object.entries(parameters)) {
      tree.write(`/sys/module/${name}/parameters/${parameter}`, file(`${value}\n`));
    }
  }
  return tree;
}

function taintLetters(taint: number): string {
  const letters = `${taint & TAINT.outOfTree ? 'O' : ''}${taint & TAINT.unsigned ? 'E' : ''}`;
  return letters && ` (${letters})`;
}

/** A tree that is made anew for each look at it. */
function live(make: () => ImageFs): ImageFs {
  return {
    lookup: (path, keepLink) => make().lookup(path, keepLink),
    readFile: (path) => make().readFile(path),
    list: (path) => make().list(path),
    realPath: (path) => make().realPath(path),
    paths: () => make().paths(),
    write: () => {},
    remove: () => {},
  };
}
