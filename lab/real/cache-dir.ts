import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Where things are kept that take long to make and are the same for every checkout: the toolkit image, Node 24.
 * `KMM_CACHE`, or `$XDG_CACHE_HOME/kmm-fleet`, or `~/.cache/kmm-fleet`.
 */
export function cacheDir(...parts: readonly string[]): string {
  const base =
    process.env['KMM_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'kmm-fleet');
  const directory = join(base, ...parts);
  mkdirSync(directory, { recursive: true });
  return directory;
}
