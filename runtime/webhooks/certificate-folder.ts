import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, sleep } from '../clock.ts';
import type { Log } from '../log.ts';
import { pairProblem, type ServingPair } from './serving-pair.ts';

/** A kubelet writes a changed Secret into a volume within a minute or two. */
const LOOK_MS = 10_000;

/**
 * Hands on the pair of a folder, `tls.crt` and `tls.key`, at first and whenever it has changed, until the signal is
 * aborted. Half of a pair, or one that does not fit, is waited out: what was good goes on.
 */
export async function watchCertificateFolder(
  options: { readonly folder: string; readonly clock: Clock; readonly log: Log },
  use: (pair: ServingPair) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { folder, clock, log } = options;
  let seen = '';
  while (!signal.aborted) {
    try {
      const [cert, key] = await Promise.all([
        readFile(join(folder, 'tls.crt'), 'utf8'),
        readFile(join(folder, 'tls.key'), 'utf8'),
      ]);
      if (cert + key !== seen) {
        seen = cert + key;
        const problem = pairProblem({ cert, key });
        if (problem) throw new Error(`${folder}: tls.crt and tls.key are no pair that serves: ${problem}.`);
        await use({ cert, key });
      }
    } catch (error) {
      log.error('certificate.unreadable', { key: folder, err: error });
    }
    await sleep(clock, LOOK_MS, signal).catch(() => {});
  }
}
