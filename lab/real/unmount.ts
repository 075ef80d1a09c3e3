import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Unmounts everything below a folder, innermost first: containers that ended badly leave their mounts behind. */
export function unmountBelow(directory: string): void {
  const targets = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => (line.split(' ')[1] ?? '').replaceAll(/\\040/g, ' '))
    .filter((target) => target.startsWith(`${directory}/`));
  for (const target of targets.reverse()) spawnSync('umount', ['--lazy', target]);
}
