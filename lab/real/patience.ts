import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = 90_000;
const PAUSE_MS = 250;

/** A user tries again while the API server is away. */
export async function patiently<T>(act: () => Promise<T>, endMs = Date.now() + PATIENCE_MS): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (Date.now() > endMs) throw error;
    }
    await sleep(PAUSE_MS);
  }
}

/** Whether it is seen; or what is not seen yet, which is nothing in the end. */
type Seen = boolean | readonly string[];

/** Something that must not be seen even once: waiting ends. */
export class Lie extends Error {}

export interface Patience {
  /** In milliseconds since the epoch. */
  readonly endMs?: number;
  readonly pauseMs?: number;
}

/**
 * Looks again and again.
 *
 * @throws {Error} that says what was not seen; its cause is what the last look failed with
 */
export async function until(
  what: string,
  look: () => Seen | Promise<Seen>,
  { endMs = Date.now() + PATIENCE_MS, pauseMs = PAUSE_MS }: Patience = {},
): Promise<void> {
  const began = Date.now();
  for (;;) {
    const { isSeen, missing, cause } = await lookOnce(look);
    if (isSeen) return;
    if (Date.now() > endMs) {
      const waited = `${what}: not seen in ${Math.round((Date.now() - began) / 1_000)} s`;
      throw new Error([waited, ...missing].join('; '), { cause });
    }
    await sleep(pauseMs);
  }
}

async function lookOnce(look: () => Seen | Promise<Seen>) {
  try {
    const seen = await look();
    const missing = typeof seen === 'boolean' ? [] : seen;
    return { isSeen: seen !== false && missing.length === 0, missing };
  } catch (cause) {
    if (cause instanceof Lie) throw cause;
    // What cannot be asked was not seen.
    return { isSeen: false, missing: [], cause };
  }
}

/** @throws {Error} when something has not ended by then, which goes on all the same */
export async function inTime<T>(what: string, work: Promise<T>, endMs: number): Promise<T> {
  const over = new AbortController();
  const late = sleep(Math.max(0, endMs - Date.now()), undefined, { signal: over.signal }).then(() => {
    throw new Error(`${what}: it has not ended in time`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
  }
}
