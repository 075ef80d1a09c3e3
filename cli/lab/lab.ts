import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installPrograms, isAlive, isRoot, missingPrograms, unmountBelow } from '@kmm-fleet/lab';
import { messageOf, UserError } from '../output/user-error.ts';
import type { ControlPlaneKind } from './control-planes.ts';
import { failureIn, stepsIn } from './lab-log.ts';
import { isLabFolder, type LabPaths, type LabState, readLabState } from './lab-state.ts';
import { refuseWhileStarting, whileStarting } from './start-lock.ts';

/** The first start makes the toolkit image from packages, which may take minutes on a slow link. */
const START_MS_MAX = 600_000;
const STOP_MS_MAX = 25_000;
const START_END_MS_MAX = 2_000;
const POLL_MS = 50;
const PROGRAMS = ['kubectl', 'buildah', 'docker-registry', 'htpasswd', 'openssl', 'mmdebstrap'] as const;

interface StartOptions {
  readonly kind?: ControlPlaneKind;
  readonly signal?: AbortSignal;
}

/**
 * Starts a lab in the background and waits until it is usable.
 *
 * @param progress told each step as it begins
 * @param options.kind what its API servers are
 * @param options.signal ends the wait and the half-started lab
 * @throws {UserError} when it does not come up; then nothing of it runs on. Its log stays, unless it was interrupted
 */
export const startLab = (
  paths: LabPaths,
  progress: (line: string) => void,
  options: StartOptions = {},
): Promise<LabState> => whileStarting(paths, () => start(paths, progress, options));

async function start(
  paths: LabPaths,
  progress: (line: string) => void,
  options: StartOptions,
): Promise<LabState> {
  const { kind = 'lab', signal = new AbortController().signal } = options;
  if (readLabState(paths))
    throw new UserError(`A lab is up already in ${paths.directory}. Use it, or end it with: kmm lab down`);
  if (!isRoot())
    throw new UserError(`Building images with buildah needs root${missingHint()}. Run this as root.`);
  checkFolder(paths);
  try {
    await installPrograms(PROGRAMS, progress);
  } catch (error) {
    throw new UserError(messageOf(error));
  }
  removeFolder(paths);
  mkdirSync(paths.logs, { recursive: true });
  const log = paths.path('logs', 'lab.log');
  const output = openSync(log, 'a');
  const daemon = fileURLToPath(new URL('./daemon.ts', import.meta.url));
  // Leads a process group of its own, which hub, spokes and registry join: see endGroup.
  const child = spawn(process.execPath, [daemon, paths.directory, kind], {
    detached: true,
    stdio: ['ignore', output, output],
  });
  child.unref();
  const pid = child.pid ?? 0;
  try {
    await waitUntilReady(paths, pid, log, progress, signal);
    const state = readLabState(paths);
    if (!state) throw new UserError(`The lab did not start: ${failureIn(readFileSync(log, 'utf8'))}`);
    return state;
  } catch (error) {
    await endGroup(pid, -pid, START_END_MS_MAX);
    // Somebody who changed their mind wants no log of it.
    if (signal.aborted) removeFolder(paths);
    throw error;
  }
}

/** Ends the lab and removes what it left. True when one was running. */
export async function stopLab(paths: LabPaths): Promise<boolean> {
  refuseWhileStarting(paths);
  const state = readLabState(paths);
  checkFolder(paths);
  if (state && isLab(state.pid)) await endGroup(state.pid, state.pid, STOP_MS_MAX);
  removeFolder(paths);
  return state !== undefined;
}

/**
 * Asks to end, waits, and kills what is left of the lab's group: hub, spokes and registry must not outlive it.
 *
 * @param asked the lab, which takes its children along, or its group while it is starting and has none to take
 */
async function endGroup(pid: number, asked: number, waitMs: number): Promise<void> {
  if (pid <= 0) return;
  send(asked, 'SIGTERM');
  for (let waited = 0; isAlive(pid) && waited < waitMs; waited += POLL_MS) await pause(POLL_MS);
  send(-pid, 'SIGKILL');
}

/** A process or a group that is gone already needs no signal. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Process ids come around again: one of a lab that was killed may be another program's now. */
function isLab(pid: number): boolean {
  const file = `/proc/${pid}/cmdline`;
  return !existsSync(file) || readFileSync(file, 'utf8').includes('daemon.ts');
}

/** The folder is removed with all that is in it, so it must be a lab's. */
function checkFolder(paths: LabPaths): void {
  if (!isLabFolder(paths))
    throw new UserError(
      `--dir: ${paths.directory} is not the folder of a lab and is left alone. Name a new or empty folder.`,
    );
}

/** buildah leaves its storage mounted, and a build that was cut off its containers. */
function removeFolder({ directory }: LabPaths): void {
  unmountBelow(directory);
  rmSync(directory, { recursive: true, force: true });
}

async function waitUntilReady(
  paths: LabPaths,
  pid: number,
  log: string,
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let told = 0;
  for (let waited = 0; waited < START_MS_MAX; waited += POLL_MS) {
    if (existsSync(paths.path('ready'))) return;
    const text = readFileSync(log, 'utf8');
    const steps = stepsIn(text);
    for (const step of steps.slice(told)) progress(step);
    told = steps.length;
    if (signal.aborted)
      throw new UserError('Interrupted: the lab is not up. Start it again with: kmm lab up');
    if (!isAlive(pid)) throw new UserError(`The lab ended at its start: ${failureIn(text)}\nSee ${log}`);
    await pause(POLL_MS);
  }
  throw new UserError(`The lab was not ready in ${START_MS_MAX / 1_000} s. See ${log}`);
}

function missingHint(): string {
  const missing = missingPrograms(PROGRAMS);
  return missing.length > 0 ? `; also missing: ${missing.join(', ')}` : '';
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
