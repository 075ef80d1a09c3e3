import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isAlive } from '@kmm-fleet/lab';
import { UserError } from '../output/user-error.ts';
import type { LabPaths } from './lab-state.ts';

/** Beside the lab's folder, which every start removes: the process that starts a lab in it. */
const lockOf = ({ directory }: LabPaths) => `${directory}.starting`;

/** @throws {UserError} when somebody starts a lab in this folder now */
export function refuseWhileStarting(paths: LabPaths): void {
  const holder = holderOf(lockOf(paths));
  if (holder === undefined) return;
  throw new UserError(
    `Another start is under way in ${paths.directory}, process ${holder}. Wait for it, or end it. Its lock is ${lockOf(paths)}`,
  );
}

/**
 * Starts a lab in this folder are one at a time: each begins by removing it.
 *
 * @throws {UserError} when another one is under way
 */
export async function whileStarting<T>(paths: LabPaths, start: () => Promise<T>): Promise<T> {
  take(paths);
  const leave = () => rmSync(lockOf(paths), { force: true });
  // A caller may end the process before the start has ended.
  process.once('exit', leave);
  try {
    return await start();
  } finally {
    process.off('exit', leave);
    leave();
  }
}

function take(paths: LabPaths): void {
  const lock = lockOf(paths);
  refuseWhileStarting(paths);
  // Left by a start that was killed.
  rmSync(lock, { force: true });
  mkdirSync(dirname(lock), { recursive: true });
  const own = `${lock}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    // In one step, with what it says: of two starts one takes it.
    linkSync(own, lock);
  } catch (error) {
    refuseWhileStarting(paths);
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

/** The process that holds a lock, while it is there. */
function holderOf(lock: string): number | undefined {
  try {
    const pid = Number(readFileSync(lock, 'utf8'));
    return Number.isInteger(pid) && pid > 0 && isAlive(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}
