import { posix } from 'node:path';
import {
  complain,
  copyShell,
  ExitShell,
  type Io,
  LOOK_UP,
  LoopJump,
  type ShellState,
} from './shell-state.ts';
import { nullSink } from './streams.ts';
import { Blocked } from './world.ts';

interface Around {
  /** The streams before this command's own redirections, which `exec` makes lasting. */
  readonly io: Io;
  readonly run: (source: string, shell: ShellState, io: Io) => number;
}

type Builtin = (args: readonly string[], shell: ShellState, io: Io, around: Around) => number;

/** Commands that change the shell itself and therefore need no file in the image. */
const BUILTINS: Readonly<Record<string, Builtin>> = {
  ':': () => 0,
  '.': source,
  cd: changeDirectory,
  exec: execute,
  exit: ([code], shell, io) => leave('exit', code, shell, io),
  return: ([code], shell, io) => leave('return', code, shell, io),
  export: exportVariables,
  unset(names, shell) {
    for (const name of names) shell.variables.delete(name);
    return 0;
  },
  set: setOptions,
  shift([count = '1'], shell, io) {
    if (Number(count) > shell.positional.length) give(shell, io, "shift: can't shift that many");
    shell.positional = shell.positional.slice(Number(count));
    return 0;
  },
  // Outside of loops both do nothing.
  break([levels = '1'], shell) {
    if (shell.loops > 0) throw new LoopJump('break', Math.min(Number(levels), shell.loops));
    return 0;
  },
  continue([levels = '1'], shell) {
    if (shell.loops > 0) throw new LoopJump('continue', Math.min(Number(levels), shell.loops));
    return 0;
  },
  eval: (args, shell, io, { run }) => run(args.join(' '), shell, io),
  read: readLine,
  trap: setTrap,
  umask: () => 0,
  wait(_args, shell) {
    if (shell.hasBackground) throw new Blocked();
    return 0;
  },
  command: runOrFind,
};

export const isShellBuiltin = (name: string): boolean => Object.hasOwn(BUILTINS, name);

export function runShellBuiltin(argv: readonly string[], shell: ShellState, io: Io, around: Around): number {
  const [name = '', ...args] = argv;
  return BUILTINS[name]?.(args, shell, io, around) ?? 127;
}

/** A mistake that ends the shell. */
function give(shell: ShellState, io: Io, message: string): never {
  complain(shell, io, message);
  throw new ExitShell(2);
}

function leave(name: string, code: string | undefined, shell: ShellState, io: Io): never {
  if (code !== undefined && !/^\d+$/.test(code)) give(shell, io, `${name}: Illegal number: ${code}`);
  throw new ExitShell(code === undefined ? shell.status : Number(code) & 0xff);
}

/** `. FILE`: its commands run in this shell. */
function source([path = '']: readonly string[], shell: ShellState, io: Io, { run }: Around): number {
  const bytes = shell.world.fs.readFile(posix.resolve(shell.directory, path));
  if (!bytes) return give(shell, io, `.: cannot open ${path}: No such file`);
  return run(Buffer.from(bytes).toString('utf8'), shell, io);
}

function changeDirectory([to]: readonly string[], shell: ShellState, io: Io): number {
  const target = posix.resolve(shell.directory, to ?? shell.variables.get('HOME') ?? '/');
  if (shell.world.fs.entry(target)?.type !== 'directory') {
    complain(shell, io, `cd: can't cd to ${to}`);
    return 2;
  }
  shell.directory = target;
  shell.variables.set('PWD', target);
  return 0;
}

/** With a command, the shell ends with it; without one, its redirections stay. */
function execute(args: readonly string[], shell: ShellState, io: Io, around: Around): number {
  const [name] = args;
  if (name !== undefined) {
    const isThere = copyShell(shell).execute([LOOK_UP, name], shell, { ...io, out: nullSink }) === 0;
    if (!isThere) complain(shell, io, `exec: ${name}: not found`);
    throw new ExitShell(isThere ? shell.execute(args, shell, io) : 127);
  }
  Object.assign(around.io, { stdin: io.stdin, out: io.out, err: io.err });
  return 0;
}

function exportVariables(args: readonly string[], shell: ShellState): number {
  for (const argument of args.filter((text) => text !== '-p')) {
    const equals = argument.indexOf('=');
    const name = equals < 0 ? argument : argument.slice(0, equals);
    if (equals >= 0) shell.variables.set(name, argument.slice(equals + 1));
    shell.exported.add(name);
  }
  return 0;
}

function setOptions(args: readonly string[], shell: ShellState, io: Io): number {
  const [first, second] = args;
  if (first === '--') {
    shell.positional = args.slice(1);
    return 0;
  }
  const letters = /^[-+]([a-z]+)$/.exec(first ?? '')?.[1];
  if (letters === undefined) return 0;
  const isOn = first?.startsWith('-') ?? true;
  for (const letter of letters) {
    if (letter === 'e') shell.options.errexit = isOn;
    else if (letter === 'u') shell.options.nounset = isOn;
    else if (letter === 'o' && second === 'errexit') shell.options.errexit = isOn;
    else if (letter === 'o' && second === 'nounset') shell.options.nounset = isOn;
    else if (letter === 'o' || !'abfhmnvxC'.includes(letter)) {
      // dash knows no pipefail: a script that relies on it fails there, so it does here.
      give(shell, io, `set: Illegal option -${letter}${second ? ` ${second}` : ''}`);
    }
  }
  return 0;
}

function readLine(args: readonly string[], shell: ShellState, io: Io): number {
  const names = args.filter((argument) => !argument.startsWith('-'));
  if (names.length === 0) {
    complain(shell, io, 'read: arg count');
    return 2;
  }
  const { text } = io.stdin;
  if (text === '') return 1;
  const end = text.indexOf('\n');
  const line = end < 0 ? text : text.slice(0, end);
  io.stdin.text = end < 0 ? '' : text.slice(end + 1);
  const words = line.trim().split(/[ \t]+/);
  for (const [index, name] of names.entries()) {
    const isLast = index === names.length - 1;
    shell.variables.set(name, isLast ? words.slice(index).join(' ') : (words[index] ?? ''));
  }
  return end < 0 ? 1 : 0;
}

function setTrap(args: readonly string[], shell: ShellState): number {
  const [action = '', ...signals] = args;
  for (const signal of signals) {
    const name = signal === '0' ? 'EXIT' : signal.replace(/^SIG/, '');
    if (action === '-') shell.traps.delete(name);
    else shell.traps.set(name, action);
  }
  return 0;
}

function runOrFind(args: readonly string[], shell: ShellState, io: Io): number {
  if (args[0] !== '-v' && args[0] !== '-V') return args.length === 0 ? 0 : shell.execute(args, shell, io);
  // `which` of the image's files: the same look-up, without running anything.
  const [, name = ''] = args;
  if (isShellBuiltin(name)) io.out.write(`${name}\n`);
  return isShellBuiltin(name) ? 0 : copyShell(shell).execute([LOOK_UP, name], shell, io);
}
