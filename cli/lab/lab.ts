import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installPrograms, isRoot, lastLines, missingPrograms, unmountBelow } from '@kmm-fleet/lab';
import { UserError } from '../output/terminal.ts';
import type { ControlPlaneKind } from './control-planes.ts';
import { isAlive, type LabPaths, type LabState, readLabState } from './lab-state.ts';

/** The first start makes the toolkit image from packages, which may take minutes on a slow link. */
const START_MS_MAX = 600_000;
const PROGRAMS = ['kubectl', 'buildah', 'docker-registry', 'htpasswd', 'openssl', 'mmdebstrap'] as const;

/** Starts a lab in the background and waits until it is usable. */
export async function startLab(
  paths: LabPaths,
  progress: (line: string) => void,
  kind: ControlPlaneKind = 'lab',
): Promise<LabState> {
  const running = readLabState(paths);
  if (running)
    throw new UserError(`A lab is up already in ${paths.directory}. Use it, or end it with: kmm lab down`);
  if (!isRoot()) throw new UserError(`Building images with buildah needs root${missingHint()}.`);
  await installPrograms(PROGRAMS, progress);
  removeFolder(paths);
  mkdirSync(paths.logs, { recursive: true });
  const log = paths.path('logs', 'lab.log');
  const output = openSync(log, 'a');
  const daemon = fileURLToPath(new URL('./daemon.ts', import.meta.url));
  const child = spawn(process.execPath, [daemon, paths.directory, kind], {
    detached: true,
    stdio: ['ignore', output, output],
  });
  child.unref();
  progress('starting registry, API servers, nodes, hub and spokes');
  await waitUntilReady(paths, child.pid ?? 0, log, progress);
  const state = readLabState(paths);
  if (!state) throw new UserError(`The lab did not start:\n${lastLines(readFileSync(log, 'utf8'), 15)}`);
  return state;
}

/** Ends the lab and removes what it left. True when one was running. */
export async function stopLab(paths: LabPaths): Promise<boolean> {
  const state = readLabState(paths);
  if (state) {
    process.kill(state.pid, 'SIGTERM');
    for (let waited = 0; isAlive(state.pid) && waited < 25_000; waited += 50) await pause(50);
    if (isAlive(state.pid)) process.kill(state.pid, 'SIGKILL');
  }
  removeFolder(paths);
  return state !== undefined;
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
): Promise<void> {
  let told = 0;
  for (let waited = 0; waited < START_MS_MAX; waited += 50) {
    if (existsSync(paths.path('ready'))) return;
    const messages = progressMessages(log);
    for (const message of messages.slice(told)) progress(message);
    told = messages.length;
    if (!isAlive(pid))
      throw new UserError(`The lab ended at its start:\n${lastLines(readFileSync(log, 'utf8'), 15)}`);
    await pause(50);
  }
  throw new UserError(`The lab was not ready in ${START_MS_MAX / 1_000} s. See ${log}`);
}

function progressMessages(log: string): string[] {
  const lines = readFileSync(log, 'utf8').split('\n');
  const events = lines.filter((line) => line.includes('"lab.progress"'));
  return events.map((line) => (JSON.parse(line) as { message?: string }).message ?? '');
}

function missingHint(): string {
  const missing = missingPrograms(PROGRAMS);
  return missing.length > 0 ? `; also missing: ${missing.join(', ')}` : '';
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
