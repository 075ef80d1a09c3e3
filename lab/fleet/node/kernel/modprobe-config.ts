import { posix } from 'node:path';
import type { ContainerFs } from '../files/container-fs.ts';
import { readModuleOrNothing } from './kernel.ts';
import { type IndexedModule, moduleName, readModuleFile } from './module-index.ts';

/** Modules that are wanted before and after another one; without them it loads all the same. */
export interface SoftDependencies {
  readonly pre: readonly string[];
  readonly post: readonly string[];
}

/** What files under modprobe.d say. */
export interface ModprobeConfig {
  options(module: string): Readonly<Record<string, string>>;
  softDependencies(module: string): SoftDependencies;
  alias(name: string): string | undefined;
  isBlacklisted(module: string): boolean;
}

const DIRECTORIES = [
  '/etc/modprobe.d',
  '/run/modprobe.d',
  '/usr/local/lib/modprobe.d',
  '/usr/lib/modprobe.d',
  '/lib/modprobe.d',
];

/** Reads `*.conf`: a file of an earlier directory hides one of the same name in a later one. */
export function readModprobeConfig(
  fs: ContainerFs,
  directories: readonly string[] = DIRECTORIES,
): ModprobeConfig {
  const files = new Map<string, string>();
  for (const directory of directories) {
    for (const name of fs.list(directory).filter((candidate) => candidate.endsWith('.conf'))) {
      if (!files.has(name)) files.set(name, posix.join(directory, name));
    }
  }
  const lines = [...files]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, path]) =>
      Buffer.from(fs.readFile(path) ?? [])
        .toString('utf8')
        .replaceAll('\\\n', '')
        .split('\n'),
    )
    .map((line) => line.trim().split(/\s+/))
    .filter(([word]) => word && !word.startsWith('#'));
  const of = (keyword: string, module: string) =>
    lines.filter(([word, name = '']) => word === keyword && moduleName(name) === moduleName(module));
  return {
    options: (module) => parseParameters(of('options', module).flatMap(([, , ...rest]) => rest)),
    // The first line about a module counts.
    softDependencies: (module) => parseSoftDependencies(of('softdep', module)[0]?.slice(2) ?? []),
    alias: (name) => lines.find(([word, alias]) => word === 'alias' && alias === name)?.[2],
    isBlacklisted: (module) => of('blacklist', module).length > 0,
  };
}

/** Soft dependencies of a module: what modprobe.d says, else what the module says of itself. */
export function softDependenciesOf(
  fs: ContainerFs,
  config: ModprobeConfig,
  module: IndexedModule,
): SoftDependencies {
  const configured = config.softDependencies(module.name);
  if (configured.pre.length + configured.post.length > 0) return configured;
  const bytes = readModuleFile(fs, module.path);
  const own = (bytes && readModuleOrNothing(bytes)?.softdeps) ?? [];
  return parseSoftDependencies(own.flatMap((line) => line.split(/\s+/)));
}

/** `pre: a b post: c` */
function parseSoftDependencies(words: readonly string[]): SoftDependencies {
  const found = { pre: [] as string[], post: [] as string[] };
  let list: string[] | undefined;
  for (const word of words.filter(Boolean)) {
    if (word === 'pre:') list = found.pre;
    else if (word === 'post:') list = found.post;
    else list?.push(moduleName(word));
  }
  return found;
}

/** `name=value` and bare `name`, as they follow a module's name. Dashes in names count as underscores. */
export function parseParameters(words: readonly string[]): Record<string, string> {
  const pairs = words.filter(Boolean).map((word) => {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    return [
      name.replaceAll('-', '_'),
      equals < 0 ? '' : word.slice(equals + 1).replace(/^"(.*)"$/, '$1'),
    ] as const;
  });
  return Object.fromEntries(pairs);
}
