import { posix } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { ContainerFs } from '../files/container-fs.ts';
import { matchesPattern } from '../shell/glob.ts';
import { readModuleOrNothing } from './kernel.ts';

/** A module as modules.dep lists it. */
export interface IndexedModule {
  readonly name: string;
  /** Absolute path of its file. */
  readonly path: string;
  /** Modules it needs, the first to load first. */
  readonly dependencies: readonly string[];
}

/** What depmod wrote about a directory of modules. */
export interface ModuleIndex {
  readonly directory: string;
  find(name: string): IndexedModule | undefined;
  /** Names of the modules that an alias stands for. */
  aliases(name: string): readonly string[];
  isBuiltIn(name: string): boolean;
  all(): readonly IndexedModule[];
}

/** A module file is some MB at most when it is unpacked. */
const MODULE_BYTES_MAX = 64 * 1024 * 1024;

/** `kmm-demo-a` and `kmm_demo_a` are one module. */
export const moduleName = (text: string): string =>
  posix
    .basename(text)
    .replace(/\.ko(\.gz|\.xz|\.zst)?$/, '')
    .replaceAll('-', '_');

/** Reads modules.dep, modules.alias and modules.builtin; a directory without them indexes nothing. */
export function readModuleIndex(fs: ContainerFs, directory: string): ModuleIndex {
  const text = (name: string) => Buffer.from(fs.readFile(posix.join(directory, name)) ?? []).toString('utf8');
  const modules = new Map<string, IndexedModule>();
  for (const line of text('modules.dep').split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const path = posix.resolve(directory, line.slice(0, colon));
    // depmod lists the nearest dependency first; what is needed last must be there first.
    const dependencies = line
      .slice(colon + 1)
      .split(' ')
      .filter(Boolean)
      .map(moduleName)
      .reverse();
    modules.set(moduleName(path), { name: moduleName(path), path, dependencies });
  }
  const aliases = text('modules.alias')
    .split('\n')
    .map((line) => line.split(/\s+/))
    .filter(([word, pattern, module]) => word === 'alias' && pattern && module)
    .map(([, pattern = '', module = '']) => ({ pattern, module: moduleName(module) }));
  const builtIn = new Set(text('modules.builtin').split('\n').filter(Boolean).map(moduleName));
  return {
    directory,
    find: (name) => modules.get(moduleName(name)),
    aliases: (name) =>
      aliases.filter(({ pattern }) => matchesPattern(pattern, name)).map(({ module }) => module),
    isBuiltIn: (name) => builtIn.has(moduleName(name)),
    all: () => [...modules.values()],
  };
}

/** Bytes of a module file, unpacked; undefined when it is not there or cannot be unpacked. */
export function readModuleFile(fs: ContainerFs, path: string): Uint8Array | undefined {
  const bytes = fs.readFile(path);
  if (!bytes) return undefined;
  const options = { maxOutputLength: MODULE_BYTES_MAX };
  try {
    if (path.endsWith('.gz')) return gunzipSync(bytes, options);
    if (path.endsWith('.zst')) return zstdDecompressSync(bytes, options);
    return bytes;
  } catch {
    return undefined;
  }
}

/** Which module exports a symbol, over all module files of the index. */
export function exportersOf(
  fs: ContainerFs,
  modules: readonly { readonly path: string }[],
): Map<string, string> {
  const infos = modules.flatMap(({ path }) => {
    const bytes = readModuleFile(fs, path);
    const info = bytes && readModuleOrNothing(bytes);
    return info ? [info] : [];
  });
  return new Map(
    infos.flatMap(({ name, exportedSymbols }) => exportedSymbols.map((symbol) => [symbol, name])),
  );
}
