import { posix } from 'node:path';
import { insmodError, strerror } from '../kernel/errno.ts';
import { insertModule, type KmodRun, removeModule } from '../kernel/modprobe.ts';
import { parseParameters, readModprobeConfig } from '../kernel/modprobe-config.ts';
import {
  exportersOf,
  type IndexedModule,
  moduleName,
  readModuleFile,
  readModuleIndex,
} from '../kernel/module-index.ts';
import type { Call } from '../shell/world.ts';
import { readArguments } from './arguments.ts';

const FLAGS = 'arRvqnDfFisVbcw';
const LONG: Readonly<Record<string, string>> = {
  all: 'a',
  remove: 'r',
  verbose: 'v',
  quiet: 'q',
  'dry-run': 'n',
  show: 'n',
  'show-depends': 'D',
  'first-time': '1',
  'ignore-install': 'i',
  'ignore-remove': 'i',
  force: 'f',
  'force-vermagic': 'f',
  'force-modversion': 'f',
  syslog: 's',
  'use-blacklist': 'b',
  dirname: 'd',
  config: 'C',
  'set-version': 'S',
  wait: 'w',
};

/** `modprobe [-r] [-a] [-v] [-q] [-n] [-d DIR] [-S RELEASE] [-C DIR] MODULE [PARAMETER…]`, in kmod's words. */
export function modprobe(call: Call): number {
  const { options, operands, unknown } = readArguments(call.argv.slice(1), `${FLAGS}1`, 'dSCw', LONG);
  if (unknown) {
    const what = unknown.startsWith('--')
      ? `unrecognized option '${unknown}'`
      : `invalid option -- '${unknown.slice(1)}'`;
    call.err(`modprobe: ${what}\nmodprobe: ERROR: unexpected getopt_long() value '?'.\n`);
    return 1;
  }
  const [first, ...rest] = operands;
  if (first === undefined) {
    call.err('modprobe: ERROR: missing parameters. See -h.\n');
    return 1;
  }
  const run = prepare(call, options);
  if (options.has('r')) return operands.map((name) => removeModule(run, name)).every(Boolean) ? 0 : 1;
  if (options.has('a')) return operands.map((name) => insertModule(run, name, {})).every(Boolean) ? 0 : 1;
  return insertModule(run, first, parseParameters(rest)) ? 0 : 1;
}

function prepare(call: Call, options: ReadonlyMap<string, readonly string[]>): KmodRun {
  const { fs, kernel } = call.world;
  const root = posix.resolve(call.directory, options.get('d')?.at(-1) ?? '/');
  const directory = posix.join(root, 'lib/modules', options.get('S')?.at(-1) ?? kernel.release);
  const configured = options.get('C');
  return {
    fs,
    kernel,
    index: readModuleIndex(fs, directory),
    config: configured ? readModprobeConfig(fs, configured) : readModprobeConfig(fs),
    mayLoadModules: call.world.mayLoadModules,
    isVerbose: options.has('v') || options.has('D'),
    isQuiet: options.has('q'),
    isDryRun: options.has('n') || options.has('D'),
    isFirstTime: options.has('1'),
    usesBlacklist: options.has('b'),
    show: (line) => call.out(`${line}\n`),
    fatal: (message) => {
      if (!options.has('q')) call.err(`modprobe: FATAL: ${message}\n`);
    },
    error: (message) => call.err(`modprobe: ERROR: ${message}\n`),
  };
}

/** `insmod FILE [PARAMETER…]`: one file, nothing looked up. */
export function insmod(call: Call): number {
  const [, file, ...parameters] = call.argv;
  if (file === undefined) {
    call.err('insmod: ERROR: missing filename.\n');
    return 1;
  }
  const { fs, kernel, mayLoadModules } = call.world;
  const path = posix.resolve(call.directory, file);
  const bytes = readModuleFile(fs, path);
  if (!bytes) {
    call.err(`insmod: ERROR: could not load module ${file}: No such file or directory\n`);
    return 1;
  }
  const directory = posix.dirname(path);
  const siblings: Pick<IndexedModule, 'path'>[] = fs
    .list(directory)
    .filter((name) => /\.ko(\.gz|\.zst)?$/.test(name))
    .map((name) => ({ path: posix.join(directory, name) }));
  const context = {
    parameters: parseParameters(parameters),
    exporters: exportersOf(fs, siblings),
    process: 'insmod',
  };
  const errno = mayLoadModules ? kernel.load(bytes, context) : 'EPERM';
  if (!errno) return 0;
  call.err(`insmod: ERROR: could not insert module ${file}: ${insmodError(errno)}\n`);
  return 1;
}

/** `rmmod MODULE…` */
export function rmmod(call: Call): number {
  const { operands } = readArguments(call.argv.slice(1), 'fsvw');
  const { kernel, mayLoadModules } = call.world;
  let code = 0;
  for (const name of operands.map(moduleName)) {
    const resident = kernel.modules().find((module) => module.name === name);
    const holders = resident?.holders.join(' ') ?? '';
    let problem: string | undefined;
    if (!resident) problem = `Module ${name} is not currently loaded`;
    else if (holders !== '') problem = `Module ${name} is in use by: ${holders}`;
    else if (resident.refcount > 0) problem = `Module ${name} is in use`;
    else {
      const errno = mayLoadModules ? kernel.unload(name) : 'EPERM';
      if (errno) problem = `could not remove module ${name}: ${strerror(errno)}`;
    }
    if (problem === undefined) continue;
    call.err(`rmmod: ERROR: ${problem}\n`);
    code = 1;
  }
  return code;
}

/** `lsmod` */
export function lsmod(call: Call): number {
  call.out('Module                  Size  Used by\n');
  for (const { name, refcount, holders } of call.world.kernel.newestFirst()) {
    const users = holders.length > 0 ? ` ${holders.join(',')}` : '';
    call.out(`${name.padEnd(19)} ${'16384'.padStart(8)}  ${refcount}${users}\n`);
  }
  return 0;
}
