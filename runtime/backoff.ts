export interface BackoffLimits {
  readonly baseMs: number;
  readonly maxMs: number;
}

/**
 * How long to wait before the next try, in whole milliseconds: doubles per failure and is spread over its upper half,
 * so that many who lost the same server do not come back together.
 *
 * @param failures failures in a row, counted from 1
 * @param jitter   a number in [0, 1)
 * @throws {RangeError} when failures is below 1: the caller has nothing to back off from
 */
export function backoffMs(failures: number, jitter: number, { baseMs, maxMs }: BackoffLimits): number {
  if (failures < 1) throw new RangeError(`failures counts from 1, got ${failures}`);
  const ceilingMs = Math.min(baseMs * 2 ** Math.min(failures - 1, 30), maxMs);
  return Math.round(ceilingMs / 2 + (jitter * ceilingMs) / 2);
}
