import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { unmountBelow } from './unmount.ts';

/**
 * Makes a folder that is known as that of this process, and removes those that processes of this user left when they
 * were killed.
 *
 * @param kind the beginning of its name, without a hyphen at the end
 */
export function makeMortalFolder(parent: string, kind: string): string {
  const made = new RegExp(`^${kind}-(\\d+)-[^-]+$`);
  for (const name of readdirSync(parent)) {
    const pid = Number(made.exec(name)?.[1] ?? process.pid);
    if (!isAlive(pid) && isOurs(join(parent, name))) removeFolder(join(parent, name));
  }
  return mkdtempSync(join(parent, `${kind}-${process.pid}-`));
}

/** Removes a folder with what containers have left mounted in it. */
export function removeFolder(path: string): void {
  unmountBelow(path);
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}

/** Also true for a process of another user, which may be looked at and not be ended. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const isOurs = (path: string) => statSync(path, { throwIfNoEntry: false })?.uid === process.getuid?.();
