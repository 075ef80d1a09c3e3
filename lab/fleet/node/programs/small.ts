import { posix } from 'node:path';
import { Blocked, type Call } from '../shell/world.ts';
import { missingOperand, readArguments, tryHelp } from './arguments.ts';

export const succeed = (): number => 0;
export const fail = (): number => 1;

/** `echo [-n] TEXT…`, with dash's escapes. */
export function echo(call: Call): number {
  const args = call.argv.slice(1);
  const isQuiet = args[0] === '-n';
  const text = unescape(args.slice(isQuiet ? 1 : 0).join(' '));
  call.out(isQuiet ? text : `${text}\n`);
  return 0;
}

/** `printf FORMAT ARGUMENT…`: `%s`, `%d`, `%b`, `%%`; the format is used again while arguments are left. */
export function printf(call: Call): number {
  const [, format, ...args] = call.argv;
  if (format === undefined) {
    call.err('printf: usage: printf format [arg ...]\n');
    return 2;
  }
  const rest = [...args];
  let code = 0;
  do {
    const before = rest.length;
    call.out(
      unescape(format).replace(/%(-?\d*)([sdbi%])/g, (_whole, width: string, kind: string) => {
        if (kind === '%') return '%';
        const value = rest.shift() ?? (kind === 'd' || kind === 'i' ? '0' : '');
        const isBad = (kind === 'd' || kind === 'i') && !/^[-+]?\d+$/.test(value);
        if (isBad) call.err(`printf: ${value}: expected numeric value\n`);
        if (isBad) code = 1;
        const text = isBad ? '0' : kind === 'b' ? unescape(value) : value;
        return width.startsWith('-') ? text.padEnd(Number(width.slice(1))) : text.padStart(Number(width));
      }),
    );
    if (rest.length === before) break;
  } while (rest.length > 0);
  return code;
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '\\': '\\',
  a: '\x07',
  e: '\x1b',
};

function unescape(text: string): string {
  return text.replace(
    /\\([ntrae\\]|0?[0-7]{1,3})/g,
    (_whole, code: string) => ESCAPES[code] ?? String.fromCharCode(Number.parseInt(code, 8)),
  );
}

export function printDirectory(call: Call): number {
  call.out(`${call.directory}\n`);
  return 0;
}

/** `sleep SECONDS`: a process that waits. In a hook the time passes before the hook ends. */
export function sleep(call: Call): number {
  const [, ...amounts] = call.argv;
  if (amounts.length === 0) {
    call.err(missingOperand('sleep'));
    return 1;
  }
  let durationMs = 0;
  for (const amount of amounts) {
    if (/^inf(inity)?$/.test(amount)) throw new Blocked();
    const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)([smhd])?$/.exec(amount) ?? [];
    if (number === undefined) {
      call.err(`sleep: invalid time interval '${amount}'\n${tryHelp('sleep')}`);
      return 1;
    }
    durationMs += Number(number) * ({ s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit] ?? 0);
  }
  call.world.elapse(durationMs);
  return 0;
}

/** `xargs [-r] [-I MARK] [-n N] [-0] COMMAND…` */
export function xargs(call: Call): number {
  const args = call.argv.slice(1);
  const { options, operands, command } = splitCommand(args);
  const isRaw = options.has('0');
  const mark = options.get('I')?.[0];
  const items = call.stdin
    .split(isRaw ? '\0' : mark === undefined ? /\s+/ : '\n')
    .filter((item) => item.trim() !== '');
  const run = [...(command.length > 0 ? command : ['echo']), ...operands];
  if (items.length === 0 && (options.has('r') || mark !== undefined)) return 0;
  const size = mark === undefined ? Number(options.get('n')?.[0] ?? (items.length || 1)) : 1;
  let code = 0;
  for (let at = 0; at < Math.max(items.length, 1); at += size) {
    const group = items.slice(at, at + size);
    const argv =
      mark === undefined
        ? [...run, ...group]
        : run.map((word) => word.replaceAll(mark, (group[0] ?? '').trim()));
    if (call.spawn(argv) !== 0) code = 123;
  }
  return code;
}

/** Options of xargs end where its command begins. */
function splitCommand(args: readonly string[]) {
  let at = 0;
  while (at < args.length && args[at]?.startsWith('-')) at += /^-[In]$/.test(args[at] ?? '') ? 2 : 1;
  return {
    ...readArguments(args.slice(0, at), 'r0t', 'In', { 'no-run-if-empty': 'r' }),
    command: args.slice(at),
  };
}

/** `test EXPRESSION` and `[ EXPRESSION ]`: 0 for true, 1 for false, 2 for a mistake. */
export function evaluate(call: Call): number {
  const name = call.argv[0] ?? 'test';
  const args = call.argv.slice(1);
  if (name === '[' && args.pop() !== ']') {
    call.err('[: missing ]\n');
    return 2;
  }
  try {
    return either(args, call) ? 0 : 1;
  } catch (error) {
    call.err(`${name}: ${error instanceof Error ? error.message : ''}\n`);
    return 2;
  }
}

/** `-o` binds loosest, then `-a`, then `!`. */
function either(args: readonly string[], call: Call): boolean {
  for (const [operator, combine] of [
    ['-o', (left: boolean, right: boolean) => left || right],
    ['-a', (left: boolean, right: boolean) => left && right],
  ] as const) {
    const at = args.length > 3 ? args.indexOf(operator, 1) : -1;
    if (at > 0 && at < args.length - 1)
      return combine(either(args.slice(0, at), call), either(args.slice(at + 1), call));
  }
  const [first = '', second = '', third = ''] = args;
  if (args.length === 0) return false;
  if (args.length === 1) return first !== '';
  if (first === '!' && args.length !== 3) return !either(args.slice(1), call);
  if (args.length === 2) return unary(first, second, call);
  if (args.length === 3) return first === '!' ? !either(args.slice(1), call) : binary(first, second, third);
  throw new Error(`${third}: unexpected operator`);
}

function unary(operator: string, operand: string, { world, directory }: Call): boolean {
  const path = posix.resolve(directory, operand);
  const entry = world.fs.entry(path, operator === '-L' || operator === '-h');
  switch (operator) {
    case '-n':
      return operand !== '';
    case '-z':
      return operand === '';
    case '-e':
      return entry !== undefined;
    case '-f':
      return entry?.type === 'file';
    case '-d':
      return entry?.type === 'directory';
    case '-L':
    case '-h':
      return entry?.type === 'symlink';
    case '-s':
      return entry?.type === 'file' && entry.bytes.byteLength > 0;
    case '-r':
    case '-w':
      return entry !== undefined;
    case '-x':
      return entry?.type === 'directory' || (entry?.type === 'file' && (entry.mode & 0o111) !== 0);
    default:
      throw new Error(`${operator}: unexpected operator`);
  }
}

function binary(left: string, operator: string, right: string): boolean {
  if (operator === '=' || operator === '==') return left === right;
  if (operator === '!=') return left !== right;
  const [a, b] = [Number(left), Number(right)];
  const compare: Readonly<Record<string, boolean>> = {
    '-eq': a === b,
    '-ne': a !== b,
    '-lt': a < b,
    '-le': a <= b,
    '-gt': a > b,
    '-ge': a >= b,
  };
  const result = compare[operator];
  if (result === undefined) throw new Error(`${left}: unexpected operator`);
  if (Number.isNaN(a) || Number.isNaN(b))
    throw new Error(`Illegal number: ${Number.isNaN(a) ? left : right}`);
  return result;
}
