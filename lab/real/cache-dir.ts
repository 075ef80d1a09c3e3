import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/**
 * Where things are kept that take long to make and are the same for every checkout: the toolkit image, Node 24.
 * `KMM_CACHE`, or `$XDG_CACHE_HOME/kmm-fleet`, or `~/.cache/kmm-fleet`.
 *
 * @throws {Error} that says which folder cannot be made and what to set
 */
export function cacheDir(...parts: readonly string[]): string {
  const base =
    process.env['KMM_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'kmm-fleet');
  const directory = resolve(base, ...parts);
  try {
    makeFolder(directory);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(
      `The cache ${base} cannot be used: ${why}. Set KMM_CACHE to a folder that you may write.`,
      { cause: error },
    );
  }
  return directory;
}

/** One level after the other: Node's own recursion never ends below /proc, where nothing can be made. */
function makeFolder(directory: string): void {
  if (existsSync(directory)) return;
  makeFolder(dirname(directory));
  mkdirSync(directory);
}
