import { posix } from 'node:path';
import { PROGRAMS, SHELL_OWN } from '../programs/programs.ts';
import { runShell } from './interpret.ts';
import {
  complain,
  createShellState,
  environmentOf,
  type Io,
  LOOK_UP,
  type ShellState,
} from './shell-state.ts';
import { createCapture } from './streams.ts';
import { freshLimits, type Limits, type World } from './world.ts';

/** What a finished process left behind. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that a runtime starts in a container. */
export interface Start {
  readonly argv: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly directory: string;
  readonly world: Omit<World, 'limits'> & { readonly limits?: Limits };
}

/** Where commands are looked up when an image names no PATH. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const SHELLS = new Set(['sh', 'dash', 'ash', 'bash']);

/**
 * Runs a command of a container to its end, as `exec` of a container runtime does. The command must be in the image:
 * ask {@link findExecutable} first.
 *
 * @throws {Blocked} when it never ends
 */
export function runProcess({ argv, environment, directory, world }: Start): Outcome {
  const limits = world.limits ?? freshLimits();
  const whole: World = { ...world, limits };
  const [out, err] = [createCapture(limits), createCapture(limits)];
  const shell = createShellState({
    name: argv[0] ?? 'sh',
    world: whole,
    environment,
    positional: [],
    directory,
    execute,
  });
  const code = execute(argv, shell, { stdin: { text: '' }, out, err });
  return { code, stdout: out.text, stderr: err.text };
}

/** What is wrong with the file of a command, in the words of runc; undefined when it can be started. */
export function executableProblem(
  world: Pick<World, 'fs'>,
  path: string | undefined,
  name: string,
): string | undefined {
  const found = findExecutable(world, path, '/', name);
  if (found === 'missing') {
    return name.includes('/')
      ? `exec: "${name}": stat ${name}: no such file or directory: unknown`
      : `exec: "${name}": executable file not found in $PATH: unknown`;
  }
  return found === 'denied' ? `exec: "${name}": permission denied: unknown` : undefined;
}

/** Whether the outcome of a command can be told: a shell, a script or a program that is modelled here. */
export function isModelled(world: Pick<World, 'fs'>, path: string | undefined, name: string): boolean {
  const base = posix.basename(name);
  if (SHELLS.has(base) || PROGRAMS[base]) return true;
  const found = findExecutable(world, path, '/', name);
  return typeof found !== 'string' && scriptInterpreter(world, found.path) !== undefined;
}

function findExecutable(
  { fs }: Pick<World, 'fs'>,
  path: string | undefined,
  directory: string,
  name: string,
): { readonly path: string } | 'missing' | 'denied' {
  const candidates = name.includes('/')
    ? [posix.resolve(directory, name)]
    : (path ?? DEFAULT_PATH).split(':').map((prefix) => posix.join(prefix || directory, name));
  let denied = false;
  for (const candidate of candidates) {
    const entry = fs.entry(candidate);
    if (entry?.type === 'file' && (entry.mode & 0o111) !== 0) return { path: candidate };
    if (entry) denied = true;
  }
  return denied ? 'denied' : 'missing';
}

/** Builtins of dash that scripts of the image may call and that nobody has needed yet. */
const UNMODELLED = new Set(
  'alias bg fc fg getopts hash jobs kill local readonly times type ulimit unalias'.split(' '),
);

/** Runs one command of a shell. */
function execute(argv: readonly string[], shell: ShellState, io: Io): number {
  const [name = '', ...args] = argv;
  if (name === LOOK_UP) return which(args[0] ?? '', shell, io);
  const own = SHELL_OWN[name];
  if (own) {
    const prefix = `${shell.name}: ${shell.line}: `;
    return own({ ...callOf(argv, shell, io), err: (text) => io.err.write(prefix + text) });
  }
  const found = findExecutable(shell.world, shell.variables.get('PATH'), shell.directory, name);
  if (found === 'missing') {
    const isKnown = UNMODELLED.has(name);
    complain(shell, io, isKnown ? `${name}: this builtin is not modelled here` : `${name}: not found`);
    return isKnown ? 126 : 127;
  }
  if (found === 'denied') {
    complain(shell, io, `${name}: Permission denied`);
    return 126;
  }
  const base = posix.basename(name);
  if (SHELLS.has(base)) return startShell(name, args, shell, io);
  const program = PROGRAMS[base];
  if (program) return program(callOf(argv, shell, io));
  return runFile(found.path, argv, shell, io);
}

function which(name: string, shell: ShellState, io: Io): number {
  const found = findExecutable(shell.world, shell.variables.get('PATH'), shell.directory, name);
  if (typeof found === 'string') return SHELL_OWN[name] ? 0 : 127;
  io.out.write(`${found.path}\n`);
  return 0;
}

function callOf(argv: readonly string[], shell: ShellState, io: Io) {
  return {
    argv,
    environment: environmentOf(shell),
    directory: shell.directory,
    stdin: io.stdin.text,
    world: shell.world,
    out: (text: string) => io.out.write(text),
    err: (text: string) => io.err.write(text),
    spawn: (other: readonly string[], stdin = '') => execute(other, shell, { ...io, stdin: { text: stdin } }),
  };
}

/** `sh -c SCRIPT [NAME ARGS…]`, `sh FILE ARGS…`, with options such as `-e` before them. */
function startShell(name: string, args: readonly string[], parent: ShellState, io: Io): number {
  const flags = args.findIndex((argument) => !/^-[a-z]+$/.test(argument));
  const options = flags < 0 ? args : args.slice(0, flags);
  const [first, ...rest] = flags < 0 ? [] : args.slice(flags);
  const isInline = options.some((option) => option.includes('c'));
  const shell = createShellState({
    name: isInline ? (rest[0] ?? name) : (first ?? name),
    world: parent.world,
    environment: environmentOf(parent),
    positional: isInline ? rest.slice(1) : rest,
    directory: parent.directory,
    execute,
  });
  shell.options.errexit = options.some((option) => option.includes('e'));
  shell.options.nounset = options.some((option) => option.includes('u'));
  if (isInline) return runShell(first ?? '', shell, io);
  if (first === undefined) return runShell(io.stdin.text, shell, { ...io, stdin: { text: '' } });
  const bytes = parent.world.fs.readFile(posix.resolve(parent.directory, first));
  if (bytes) return runShell(Buffer.from(bytes).toString('utf8'), shell, io);
  io.err.write(`${name}: 0: cannot open ${first}: No such file\n`);
  return 2;
}

/** A script of the image is run; of any other program only the name is known, and it is said so. */
function runFile(path: string, argv: readonly string[], shell: ShellState, io: Io): number {
  const interpreter = scriptInterpreter(shell.world, path);
  if (interpreter) return startShell(interpreter, [path, ...argv.slice(1)], shell, io);
  io.err.write(`${posix.basename(path)}: this program is not modelled by the simulated node\n`);
  return 126;
}

/** The shell that a script names in its first line. */
function scriptInterpreter({ fs }: Pick<World, 'fs'>, path: string): string | undefined {
  const start = Buffer.from(fs.readFile(path) ?? []).toString('latin1', 0, 128);
  const [, interpreter] = /^#! ?(\S+)/.exec(start) ?? [];
  return interpreter && SHELLS.has(posix.basename(interpreter)) ? interpreter : undefined;
}
