import { posix } from 'node:path';
import type { WriteOutcome } from '../files/container-fs.ts';
import type { Call } from '../shell/world.ts';
import { missingOperand, readArguments, refuseOption } from './arguments.ts';

const absolute = ({ directory }: Call, path: string) => posix.resolve(directory, path);
const trimmed = (path: string) => (path.length > 1 ? path.replace(/\/+$/, '') : path);

const WHY: Readonly<Record<Exclude<WriteOutcome, 'written'>, string>> = {
  missing: 'No such file or directory',
  'read-only': 'Read-only file system',
};

/** `cp [-r|-R|-a] [-f] [-v] SOURCE… TARGET` */
export function copy(call: Call): number {
  const { options, operands, unknown } = readArguments(call.argv.slice(1), 'rRafpdvLTun', 't');
  if (unknown) return refused(call, 'cp', unknown);
  const into = options.get('t')?.[0];
  const target = into ?? operands.at(-1);
  const sources = into === undefined ? operands.slice(0, -1) : operands;
  if (target === undefined || sources.length === 0) {
    call.err(
      operands.length === 0
        ? 'cp: missing file operand\n'
        : `cp: missing destination file operand after '${operands[0]}'\n`,
    );
    return 1;
  }
  const isDirectory = call.world.fs.entry(absolute(call, target))?.type === 'directory';
  if (sources.length > 1 && !isDirectory) {
    call.err(`cp: target '${target}' is not a directory\n`);
    return 1;
  }
  const recursive = ['r', 'R', 'a'].some((letter) => options.has(letter));
  const keepsLinks = recursive && !options.has('L');
  let code = 0;
  for (const source of sources) {
    // `cp -r dir/. target` copies what is in the directory, not the directory.
    const name = posix.basename(trimmed(source));
    const goesInside = isDirectory && !options.has('T') && name !== '.' && name !== '..';
    const to = goesInside ? posix.join(target, name) : target;
    if (!copyOne(call, source, to, recursive, keepsLinks)) code = 1;
  }
  return code;
}

function copyOne(
  call: Call,
  source: string,
  target: string,
  recursive: boolean,
  keepsLinks: boolean,
): boolean {
  const { fs } = call.world;
  const entry = fs.entry(absolute(call, source), keepsLinks);
  if (!entry) return complain(call, `cp: cannot stat '${source}': No such file or directory`);
  if (entry.type !== 'directory') {
    const outcome = fs.write(absolute(call, target), entry);
    if (outcome === 'written') return true;
    return complain(call, `cp: cannot create regular file '${target}': ${WHY[outcome]}`);
  }
  if (!recursive) return complain(call, `cp: -r not specified; omitting directory '${source}'`);
  const existing = fs.entry(absolute(call, target));
  if (existing && existing.type !== 'directory') {
    return complain(call, `cp: cannot overwrite non-directory '${target}' with directory '${source}'`);
  }
  if (!existing) {
    const outcome = fs.write(absolute(call, target), entry);
    if (outcome !== 'written')
      return complain(call, `cp: cannot create directory '${target}': ${WHY[outcome]}`);
  }
  const copied = fs
    .list(absolute(call, source))
    .map((name) => copyOne(call, posix.join(source, name), posix.join(target, name), true, keepsLinks));
  return copied.every(Boolean);
}

/** `mv SOURCE… TARGET` */
export function move(call: Call): number {
  const code = copy({
    ...call,
    argv: ['cp', '-a', ...call.argv.slice(1).filter((text) => !/^-[fnv]+$/.test(text))],
  });
  if (code !== 0) return code;
  const { operands } = readArguments(call.argv.slice(1), 'fnv');
  for (const source of operands.slice(0, -1)) call.world.fs.remove(absolute(call, source));
  return 0;
}

/** `rm [-r] [-f] [-d] PATH…` */
export function remove(call: Call): number {
  const { options, operands, unknown } = readArguments(call.argv.slice(1), 'rRfdv');
  if (unknown) return refused(call, 'rm', unknown);
  const recursive = options.has('r') || options.has('R');
  const force = options.has('f');
  if (operands.length === 0 && !force) {
    call.err(missingOperand('rm'));
    return 1;
  }
  let code = 0;
  for (const path of operands) {
    const problem = removeOne(call, path, recursive, options.has('d'));
    if (problem === undefined || (force && problem === 'No such file or directory')) continue;
    call.err(`rm: cannot remove '${path}': ${problem}\n`);
    code = 1;
  }
  return code;
}

function removeOne(
  call: Call,
  path: string,
  recursive: boolean,
  emptyDirectories: boolean,
): string | undefined {
  const { fs } = call.world;
  const target = absolute(call, path);
  const entry = fs.entry(target, true);
  if (!entry) return 'No such file or directory';
  if (entry.type === 'directory' && !recursive) {
    if (!emptyDirectories) return 'Is a directory';
    if (fs.list(target).length > 0) return 'Directory not empty';
  }
  if (fs.isMountPoint(target)) return 'Device or resource busy';
  const outcome = fs.remove(target);
  return outcome === 'written' ? undefined : WHY[outcome];
}

/** `rmdir [-p] [--ignore-fail-on-non-empty] PATH…` */
export function removeDirectories(call: Call): number {
  const { options, operands, unknown } = readArguments(call.argv.slice(1), 'pvi', '', {
    'ignore-fail-on-non-empty': 'i',
    parents: 'p',
  });
  if (unknown) return refused(call, 'rmdir', unknown);
  let code = 0;
  for (const path of operands) {
    const all = options.has('p') ? upwards(trimmed(path)) : [path];
    for (const directory of all) {
      const problem = emptyDirectoryProblem(call, directory);
      if (problem === undefined) continue;
      if (!(options.has('i') && problem === 'Directory not empty')) {
        call.err(`rmdir: failed to remove '${directory}': ${problem}\n`);
        code = 1;
      }
      break;
    }
  }
  return code;
}

function emptyDirectoryProblem(call: Call, path: string): string | undefined {
  const entry = call.world.fs.entry(absolute(call, path), true);
  if (entry && entry.type !== 'directory') return 'Not a directory';
  return removeOne(call, path, false, true);
}

function upwards(path: string): string[] {
  const parent = posix.dirname(path);
  return parent === '/' || parent === '.' ? [path] : [path, ...upwards(parent)];
}

/** `mkdir [-p] [-m MODE] PATH…` */
export function makeDirectories(call: Call): number {
  const { options, operands, unknown } = readArguments(call.argv.slice(1), 'pv', 'm', {
    parents: 'p',
    mode: 'm',
  });
  if (unknown) return refused(call, 'mkdir', unknown);
  if (operands.length === 0) {
    call.err(missingOperand('mkdir'));
    return 1;
  }
  let code = 0;
  for (const path of operands) {
    const problem = makeOne(call, path, options.has('p'));
    if (problem === undefined) continue;
    call.err(`mkdir: cannot create directory '${path}': ${problem}\n`);
    code = 1;
  }
  return code;
}

function makeOne(call: Call, path: string, parents: boolean): string | undefined {
  const { fs } = call.world;
  const target = absolute(call, path);
  const existing = fs.entry(target);
  if (existing) return parents && existing.type === 'directory' ? undefined : 'File exists';
  if (parents && target !== '/') {
    const problem = makeOne(call, posix.dirname(target), true);
    if (problem !== undefined) return problem;
  }
  const outcome = fs.write(target, { type: 'directory', mode: 0o755 });
  return outcome === 'written' ? undefined : WHY[outcome];
}

/** `touch PATH…`: makes empty files; times are not kept. */
export function touch(call: Call): number {
  let code = 0;
  for (const path of readArguments(call.argv.slice(1), 'acm').operands) {
    const target = absolute(call, path);
    if (call.world.fs.entry(target)) continue;
    const outcome = call.world.fs.write(target, { type: 'file', mode: 0o644, bytes: new Uint8Array() });
    if (outcome === 'written') continue;
    call.err(`touch: cannot touch '${path}': ${WHY[outcome]}\n`);
    code = 1;
  }
  return code;
}

/** `tee [-a] PATH…`: copies its input to its output and to files. */
export function tee(call: Call): number {
  const { options, operands } = readArguments(call.argv.slice(1), 'ai');
  let code = 0;
  for (const path of operands) {
    const target = absolute(call, path);
    const before = options.has('a') ? Buffer.from(call.world.fs.readFile(target) ?? []) : Buffer.alloc(0);
    const bytes = Buffer.concat([before, Buffer.from(call.stdin)]);
    const outcome = call.world.fs.write(target, { type: 'file', mode: 0o644, bytes });
    if (outcome === 'written') continue;
    call.err(`tee: ${path}: ${WHY[outcome]}\n`);
    code = 1;
  }
  call.out(call.stdin);
  return code;
}

function refused(call: Call, program: string, option: string): number {
  call.err(refuseOption(program, option));
  return 1;
}

function complain(call: Call, message: string): false {
  call.err(`${message}\n`);
  return false;
}
