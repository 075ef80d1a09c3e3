import { posix } from 'node:path';

/** Where a file of a kernel's modules stands. */
export interface ModulePlace {
  /** `/opt/lib/modules/6.1.0-55-amd64` */
  readonly folder: string;
  /** The release that modprobe looks for. */
  readonly kernel: string;
}

/** The folder of lib/modules that a path is in; undefined outside of any. */
export function placeOf(path: string): ModulePlace | undefined {
  const [, folder, kernel] = /^(.*?\/lib\/modules\/([^/]+))\/./s.exec(path) ?? [];
  return folder !== undefined && kernel !== undefined ? { folder, kernel } : undefined;
}

/** `kmm-demo-a.ko.xz` and `kmm_demo_a` are one module. */
export const moduleNameOf = (path: string): string =>
  posix
    .basename(path)
    .replace(/\.ko(\.(gz|xz|zst))?$/, '')
    .replaceAll('-', '_');

/**
 * What modules.dep says: path of a module → names of the modules to load before it, the first to load first.
 *
 * @param folder paths in the text stand in it, unless they are absolute
 */
export function readModulesDep(text: string, folder: string): ReadonlyMap<string, readonly string[]> {
  const lines = text
    .split('\n')
    .map((line) => /^([^:]+):(.*)$/.exec(line))
    .filter((match) => match !== null);
  return new Map(
    lines.map(([, path = '', list = '']) => [
      posix.resolve(folder, path),
      // depmod lists the nearest first.
      list.split(' ').filter(Boolean).map(moduleNameOf).reverse(),
    ]),
  );
}

/** Files below any folder named `firmware`, by the name that a driver asks for, without its packing. Pure. */
export function firmwareFiles(paths: readonly string[]): ReadonlyMap<string, string> {
  const found = paths.flatMap((path) => {
    const [, name] = /\/firmware\/(.+?)(?:\.xz|\.zst)?$/s.exec(path) ?? [];
    return name === undefined ? [] : [[name, path] as const];
  });
  return new Map(found.toReversed());
}

/** Whether a link climbs above the root: inside a container it cannot, unpacked into a folder it does. */
export function leavesRoot(path: string, target: string): boolean {
  const start = target.startsWith('/') ? 0 : path.split('/').filter(Boolean).length - 1;
  let depth = start;
  for (const part of target.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}
