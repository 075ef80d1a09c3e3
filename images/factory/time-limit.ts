import { AppError, type Clock } from '@kmm-fleet/runtime';
import type { BuildTimer } from '../builders/builder.ts';

/**
 * Runs a build that is ended when it takes too long.
 *
 * @throws {AppError} BUILD_TIMED_OUT then, with what the builder knows as its cause
 */
export async function withTimeLimit<T>(
  after: Clock['after'],
  msMax: number,
  signal: AbortSignal,
  task: (signal: AbortSignal, timer: BuildTimer) => Promise<T>,
): Promise<T> {
  const tooLong = new AppError(
    'BUILD_TIMED_OUT',
    `The build did not end within ${Math.round(msMax / 60_000)} minutes.`,
  );
  const limit = new AbortController();
  let cancel = () => {};
  const timer: BuildTimer = {
    stop: () => cancel(),
    start() {
      cancel();
      cancel = after(msMax, () => limit.abort(tooLong));
    },
  };
  timer.start();
  try {
    return await task(AbortSignal.any([signal, limit.signal]), timer);
  } finally {
    timer.stop();
  }
}
