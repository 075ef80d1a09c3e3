import { posix } from 'node:path';
import type { Call } from '../shell/world.ts';
import { readArguments } from './arguments.ts';

const absolute = ({ directory }: Call, path: string) => posix.resolve(directory, path);
const byText = (a: string, b: string) => (a < b ? -1 : Number(a > b));
const linesOf = (text: string) => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));
const join = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');

/** How programs name a file that they cannot read; most only name it. */
const UNREADABLE: Readonly<Record<string, (path: string) => string>> = {
  head: (path) => `cannot open '${path}' for reading`,
  sort: (path) => `cannot read: ${path}`,
  tail: (path) => `cannot open '${path}' for reading`,
};

/** Texts of files, or of the input when none is named; what cannot be read is said and counted. */
function inputs(call: Call, program: string, operands: readonly string[]): { texts: string[]; code: number } {
  if (operands.length === 0) return { texts: [call.stdin], code: 0 };
  let code = 0;
  const texts = operands.flatMap((path) => {
    if (path === '-') return [call.stdin];
    const entry = call.world.fs.entry(absolute(call, path));
    if (entry?.type === 'file') return [Buffer.from(entry.bytes).toString('utf8')];
    const named = UNREADABLE[program]?.(path) ?? path;
    call.err(`${program}: ${named}: ${entry ? 'Is a directory' : 'No such file or directory'}\n`);
    code = program === 'sort' ? 2 : 1;
    return [];
  });
  return { texts, code };
}

/** `cat [PATH…]` */
export function cat(call: Call): number {
  const { texts, code } = inputs(call, 'cat', readArguments(call.argv.slice(1), 'nu').operands);
  for (const text of texts) call.out(text);
  return code;
}

/** `sort [-r] [-u] [PATH…]`, by bytes. */
export function sort(call: Call): number {
  const { options, operands } = readArguments(call.argv.slice(1), 'runf');
  const { texts, code } = inputs(call, 'sort', operands);
  const lines = texts.flatMap(linesOf).sort(byText);
  const unique = options.has('u') ? [...new Set(lines)] : lines;
  call.out(join(options.has('r') ? unique.reverse() : unique));
  return code;
}

/** `head [-n N]` and `tail [-n N]` */
export const head = (call: Call): number => part(call, 'head', (lines, count) => lines.slice(0, count));
export const tail = (call: Call): number => part(call, 'tail', (lines, count) => lines.slice(-count));

function part(call: Call, program: string, take: (lines: string[], count: number) => string[]): number {
  const args = call.argv.slice(1).map((argument) => argument.replace(/^-(\d+)$/, '-n$1'));
  const { options, operands } = readArguments(args, 'q', 'nc');
  const { texts, code } = inputs(call, program, operands);
  call.out(join(take(linesOf(texts.join('')), Number(options.get('n')?.[0] ?? 10))));
  return code;
}

/** `wc -l`, `-c`, `-w` of the input: one number. */
export function count(call: Call): number {
  const { options, operands } = readArguments(call.argv.slice(1), 'lcw');
  const { texts, code } = inputs(call, 'wc', operands);
  const text = texts.join('');
  const number = options.has('c')
    ? text.length
    : options.has('w')
      ? text.split(/\s+/).filter(Boolean).length
      : linesOf(text).length;
  call.out(`${number}\n`);
  return code;
}

/** `ls [-1aAl] [PATH…]`: one name per line, as ls does when it does not write to a terminal. */
export function list(call: Call): number {
  const { options, operands } = readArguments(call.argv.slice(1), '1aAldRhF');
  const { fs } = call.world;
  let code = 0;
  for (const path of operands.length > 0 ? operands : ['.']) {
    const entry = fs.entry(absolute(call, path));
    if (!entry) {
      call.err(`ls: cannot access '${path}': No such file or directory\n`);
      code = 2;
    } else if (entry.type === 'directory' && !options.has('d')) {
      if (operands.length > 1) call.out(`${path}:\n`);
      const all = options.has('a') || options.has('A');
      call.out(join(fs.list(absolute(call, path)).filter((name) => all || !name.startsWith('.'))));
    } else call.out(`${path}\n`);
  }
  return code;
}

/** `basename PATH [SUFFIX]` */
export function basename(call: Call): number {
  const [, path = '', suffix = ''] = call.argv;
  call.out(`${posix.basename(path, suffix)}\n`);
  return 0;
}

/** `dirname PATH…` */
export function dirname(call: Call): number {
  for (const path of call.argv.slice(1)) call.out(`${posix.dirname(path)}\n`);
  return 0;
}

/** `uname [-r] [-m] [-s]` of the node's kernel. */
export function uname(call: Call): number {
  const { options } = readArguments(call.argv.slice(1), 'rmsa');
  if (options.has('r')) call.out(`${call.world.kernel.release}\n`);
  else call.out(options.has('m') ? 'x86_64\n' : 'Linux\n');
  return 0;
}
