import type { ModuleImageStatus } from '@kmm-fleet/api';
import { backoffMs, type FailureCode, timestamp } from '@kmm-fleet/runtime';

export type Attempt = NonNullable<ModuleImageStatus['attempt']>;

/** Failures on equal inputs are tried again after about 30 s, doubling up to half an hour. */
const RETRY = { baseMs: 40_000, maxMs: 1_800_000 };
/** Some defects are passing ones, a mirror that is away for instance. Five tries take about ten minutes. */
const DEFECTS_MAX = 5;

/** Failures that equal inputs lead to again. All others come from the world, and end when that mends. */
const DEFECTS: ReadonlySet<FailureCode> = new Set([
  'BUILD_FAILED',
  'BUILD_TIMED_OUT',
  'BUILD_TOO_LARGE',
  'SIGN_FAILED',
  'IMAGE_INVALID',
]);

export interface Failure {
  readonly code: FailureCode;
  /** Of the inputs and of the access to registries that it failed with. */
  readonly inputsHash: string;
  /** What the other side asked for. */
  readonly retryAfterMs?: number | undefined;
}

/** The failures in a row, with one more. @param jitter a number in [0, 1) */
export function failedAgain(
  before: Attempt | undefined,
  { code, inputsHash, retryAfterMs = 0 }: Failure,
  nowMs: number,
  jitter: number,
): Attempt {
  const known = before?.inputsHash === inputsHash ? before : undefined;
  const failures = (known?.failures ?? 0) + 1;
  const defects = (known?.defects ?? 0) + (DEFECTS.has(code) ? 1 : 0);
  const waitMs = Math.max(Math.min(retryAfterMs, RETRY.maxMs), backoffMs(failures, jitter, RETRY));
  const nextTime = timestamp(Math.ceil((nowMs + waitMs) / 1_000) * 1_000);
  return { inputsHash, failures, ...(defects > 0 && { defects }), nextTime };
}

/** Which try on these inputs the next one is, from 1. */
export const tryNumber = (attempt: Attempt | undefined, inputsHash: string): number =>
  (attempt?.inputsHash === inputsHash ? attempt.failures : 0) + 1;

/** Milliseconds until these inputs may be tried again: no longer than any wait, whatever clock the time was told by. */
export function waitOf(attempt: Attempt | undefined, inputsHash: string, nowMs: number): number {
  if (!attempt?.nextTime || attempt.inputsHash !== inputsHash) return 0;
  return Math.min(Math.max(0, Date.parse(attempt.nextTime) - nowMs), RETRY.maxMs);
}

/** The inputs themselves were to blame at least once: what they start from may have been mended under its old name. */
export const isDefective = (attempt: Attempt | undefined, inputsHash: string): boolean =>
  attempt?.inputsHash === inputsHash && (attempt.defects ?? 0) > 0;

/** These inputs are not tried again. */
export const isSpent = (attempt: Attempt | undefined, inputsHash: string): boolean =>
  attempt?.inputsHash === inputsHash && (attempt.defects ?? 0) >= DEFECTS_MAX;
