import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keepRunning, MALLOC, NODE_FLAGS, type Supervised, spawnMortal } from '@kmm-fleet/lab';

/** A program and its arguments. */
export type CommandLine = readonly [string, ...string[]];

export interface SuperviseOptions {
  /** Called when the process id has changed. */
  readonly restarted?: () => void;
  /** What the process is started by, where it is to find itself in other surroundings. */
  readonly within?: ((command: CommandLine) => CommandLine) | undefined;
}

/**
 * Keeps one process of ours running. With KMM_PROGRAMS that is the program of that folder, as images have it, in place
 * of the sources.
 *
 * @param room package whose main.ts is run
 */
export function supervise(
  room: 'hub' | 'spoke',
  env: Readonly<Record<string, string>>,
  logFile: string,
  { restarted = () => {}, within = (command) => command }: SuperviseOptions = {},
): Supervised {
  const programs = process.env['KMM_PROGRAMS'];
  const sources = dirname(fileURLToPath(import.meta.resolve(`@kmm-fleet/${room}`)));
  const edition = room === 'spoke' && env['KMM_MANAGED'] !== '1' ? 'cluster' : room;
  const main = programs ? [...NODE_FLAGS[edition], join(programs, `${room}.js`)] : [join(sources, 'main.ts')];
  const [program, ...args] = within([process.execPath, ...main]);
  const start = () =>
    spawnMortal(program, args, logFile, {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      ...(programs ? MALLOC : { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] }),
      ...env,
    });
  return keepRunning(start, { restarted });
}
