import { globSync, readFileSync, readlinkSync } from 'node:fs';

/** Names of the processes whose root is below a folder: those in containers of builds there. */
export function processesIn(folder: string): string[] {
  return globSync('/proc/[0-9]*').flatMap((process) => {
    try {
      const isOurs = readlinkSync(`${process}/root`).startsWith(folder);
      return isOurs ? [readFileSync(`${process}/comm`, 'utf8').trim()] : [];
    } catch {
      return []; // It ended meanwhile.
    }
  });
}
