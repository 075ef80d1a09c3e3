import type { ContainerFs } from '../files/container-fs.ts';
import type { Kernel } from '../kernel/kernel.ts';

/** Everything that a process of a container can touch, and how much of it. */
export interface World {
  readonly fs: ContainerFs;
  readonly kernel: Kernel;
  /** SYS_MODULE as root: without it the kernel answers EPERM. */
  readonly mayLoadModules: boolean;
  /** Time passes: the runtime waits this long before the process counts as ended. */
  elapse(durationMs: number): void;
  readonly limits: Limits;
}

export interface Limits {
  /** Commands that one run may start. */
  stepsLeft: number;
  /** Characters that one run may write to its outputs. */
  outputLeft: number;
}

/** Hooks run a handful of commands; a script that needs more than this never ends. */
export const STEPS_MAX = 20_000;
export const OUTPUT_CHARS_MAX = 256 * 1024;

export const freshLimits = (): Limits => ({ stepsLeft: STEPS_MAX, outputLeft: OUTPUT_CHARS_MAX });

/** One call of a program: what it was given, and where its output goes. */
export interface Call {
  /** Name as it was called, then the arguments. */
  readonly argv: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly directory: string;
  readonly stdin: string;
  readonly world: World;
  out(text: string): void;
  err(text: string): void;
  /** Runs another program, looked up as the shell does; its outputs are those of this call. */
  spawn(argv: readonly string[], stdin?: string): number;
}

/** A program of an image, modelled: returns its exit code. */
export type Program = (call: Call) => number;

/** Thrown by what never ends, such as `sleep infinity`: the process lives until it is killed. */
export class Blocked extends Error {}

/** Thrown when a run used up its limits. */
export class LimitReached extends Error {}
