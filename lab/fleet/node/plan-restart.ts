/** When a container is tried again, and what is shown until then. Times as measured on a real kubelet. */
export interface Restart {
  /** How long the failure itself is shown. */
  readonly showMs: number;
  /** From the failure to the next try. */
  readonly waitMs: number;
  /** The back-off to show after the failure; absent when the next try comes before. */
  readonly backOff?: string;
}

/** Killing a container and starting it again takes about this long; the first retry waits for nothing else. */
const FIRST_RETRY_MS = 4_000;
/** A failure is shown this long before the back-off covers it. */
const SHOW_MS = 1_000;
const BACKOFF = { baseMs: 10_000, maxMs: 300_000 };
/** A container that ran this long has its failures forgiven. */
export const FORGIVE_MS = 600_000;

/** @param crashes failed runs in a row, from 1 */
export function planRestart(crashes: number): Restart {
  if (crashes <= 1) return { showMs: FIRST_RETRY_MS, waitMs: FIRST_RETRY_MS };
  const waitMs = doubled(crashes - 1);
  return { showMs: SHOW_MS, waitMs, backOff: goDuration(waitMs) };
}

/** @param failures failed pulls in a row, from 1 */
export function planPull(failures: number): Restart {
  const waitMs = doubled(failures);
  return { showMs: SHOW_MS, waitMs, backOff: goDuration(waitMs) };
}

/** When volumes are set up again: half a second doubling to about two minutes. */
export function mountRetryMs(failures: number): number {
  return Math.min(500 * 2 ** (failures - 1), 122_000);
}

const doubled = (failures: number) => Math.min(BACKOFF.baseMs * 2 ** (failures - 1), BACKOFF.maxMs);

/** `10s`, `1m20s`, `5m0s`: as Go prints durations. */
export function goDuration(durationMs: number): string {
  const seconds = Math.round(durationMs / 1_000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
