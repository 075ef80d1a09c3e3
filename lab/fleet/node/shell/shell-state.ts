import type { Sink } from './streams.ts';
import type { World } from './world.ts';

/** What a running shell remembers. A subshell works on a copy. */
export interface ShellState {
  /** `$0`: stands before the shell's own messages. */
  readonly name: string;
  /** Line of the command that runs: stands there too. */
  line: number;
  /** Loops around the command that runs. */
  loops: number;
  readonly world: World;
  readonly variables: Map<string, string>;
  readonly exported: Set<string>;
  readonly options: { errexit: boolean; nounset: boolean };
  positional: readonly string[];
  directory: string;
  /** `$?` */
  status: number;
  /** Exit code of the last command substitution of the current command: an assignment alone ends with it. */
  substituted: number;
  /** Commands by the name of their signal. */
  readonly traps: Map<string, string>;
  /** Something that never ends was sent to the background; `wait` then never ends either. */
  hasBackground: boolean;
  /** Runs a program of the image and returns its exit code. */
  readonly execute: (argv: readonly string[], shell: ShellState, io: Io) => number;
}

/** Standard streams. Input is consumed, also by several readers one after another. */
export interface Io {
  readonly stdin: { text: string };
  readonly out: Sink;
  readonly err: Sink;
}

/** A shell that starts with this environment. */
export function createShellState(options: {
  readonly name: string;
  readonly world: World;
  readonly environment: ReadonlyMap<string, string>;
  readonly positional: readonly string[];
  readonly directory: string;
  readonly execute: ShellState['execute'];
}): ShellState {
  const { name, world, environment, positional, directory, execute } = options;
  return {
    name,
    line: 1,
    loops: 0,
    world,
    variables: new Map(environment),
    exported: new Set(environment.keys()),
    options: { errexit: false, nounset: false },
    positional,
    directory,
    status: 0,
    substituted: 0,
    traps: new Map(),
    hasBackground: false,
    execute,
  };
}

/** A copy whose changes the parent does not see. */
export function copyShell(shell: ShellState): ShellState {
  return {
    ...shell,
    variables: new Map(shell.variables),
    exported: new Set(shell.exported),
    options: { ...shell.options },
    traps: new Map(),
  };
}

/** What a program started by this shell finds in its environment. */
export function environmentOf(shell: ShellState): Map<string, string> {
  return new Map([...shell.variables].filter(([name]) => shell.exported.has(name)));
}

/** Leaves the shell with a code. */
export class ExitShell extends Error {
  readonly code: number;

  constructor(code: number) {
    super('exit');
    this.code = code;
  }
}

/** Leaves or repeats a loop; `levels` counts the loops that are left. */
export class LoopJump extends Error {
  readonly kind: 'break' | 'continue';
  levels: number;

  constructor(kind: 'break' | 'continue', levels: number) {
    super(kind);
    this.kind = kind;
    this.levels = levels;
  }
}

/** A message in the shell's own name, as dash words it. */
export function complain({ name, line }: ShellState, io: Pick<Io, 'err'>, message: string): void {
  io.err.write(`${name}: ${Math.max(line, 1)}: ${message}\n`);
}

/** A command that no user can name: looks a program up without running it. */
export const LOOK_UP = '\u0000look-up';
