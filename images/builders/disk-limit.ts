import { statfs } from 'node:fs/promises';
import { AppError, type Clock, systemClock } from '@kmm-fleet/runtime';
import type { BuildTimer } from './builder.ts';

export interface DiskLimit {
  /** A folder on the disk that is watched. */
  readonly folder: string;
  /** How much more may be on it while a build runs. */
  readonly bytesMax: number;
  readonly clock?: Clock;
  readonly usedBytes?: (folder: string) => Promise<number>;
}

const LOOK_MS = 1_000;
const GIB = 1024 ** 3;

/** Ends builds when the disk fills up meanwhile. @param timer stands still while a build waits for others */
export type DiskGuard = <T>(
  signal: AbortSignal | undefined,
  task: (signal: AbortSignal) => Promise<T>,
  timer?: BuildTimer,
) => Promise<T>;

interface Run {
  readonly stop: AbortController;
  /** Others have built at the same time: which of them wrote so much is not known. */
  hadCompany: boolean;
}

/**
 * Runs builds that are ended when the disk fills up meanwhile: what one step writes is seen by nobody before it is
 * done. The whole disk is looked at, whoever writes to it: it is the one that must not be full. Builds that were not
 * alone are all ended then, and begin anew one at a time: so the one that is too large is found, and no other blamed.
 *
 * @param clear makes the disk free of what builds have left that were ended, while none runs
 * @throws {AppError} BUILD_TOO_LARGE when a build that was alone is ended
 */
export function createDiskGuard(limit: DiskLimit, clear: () => Promise<unknown>): DiskGuard {
  const running = new Set<Promise<unknown>>();
  const runs = new Set<Run>();
  let turn: Promise<unknown> | undefined;

  const runNow = <T>(
    signal: AbortSignal | undefined,
    task: (signal: AbortSignal) => Promise<T>,
    run: Run,
  ) => {
    for (const other of runs) other.hadCompany = run.hadCompany = true;
    runs.add(run);
    const full = () => {
      if (!run.hadCompany) run.stop.abort(tooLarge(limit.bytesMax));
      else for (const each of runs) if (each.hadCompany) each.stop.abort(CROWDED);
    };
    const ended = watchDisk(limit, run.stop, full, () =>
      task(AbortSignal.any([run.stop.signal, ...(signal ? [signal] : [])])),
    ).finally(() => {
      runs.delete(run);
      running.delete(settled);
    });
    const settled = ended.catch(() => {});
    running.add(settled);
    return ended;
  };

  const runAlone = async <T>(
    signal: AbortSignal | undefined,
    task: (signal: AbortSignal) => Promise<T>,
    before: Promise<unknown> | undefined,
    timer: BuildTimer | undefined,
  ) => {
    timer?.stop();
    await before;
    await Promise.all(running);
    signal?.throwIfAborted();
    await clear();
    timer?.start();
    return runNow(signal, task, newRun());
  };

  return async (signal, task, timer) => {
    while (turn) {
      timer?.stop();
      await turn;
      timer?.start();
    }
    const run = newRun();
    try {
      return await runNow(signal, task, run);
    } catch (error) {
      if (run.stop.signal.reason !== CROWDED) throw error;
      signal?.throwIfAborted();
    }
    const again = runAlone(signal, task, turn, timer);
    const mine = again
      .catch(() => {})
      .then(() => {
        if (turn === mine) turn = undefined;
      });
    turn = mine;
    return again;
  };
}

const CROWDED = new Error('The disk is full, and several builds have written to it.');
const newRun = (): Run => ({ stop: new AbortController(), hadCompany: false });

async function watchDisk<T>(
  { folder, bytesMax, clock = systemClock, usedBytes = usedOf }: DiskLimit,
  stop: AbortController,
  full: () => void,
  task: () => Promise<T>,
): Promise<T> {
  const before = await usedBytes(folder);
  let cancel = () => {};
  const look = async () => {
    const used = await usedBytes(folder).catch(() => before);
    if (stop.signal.aborted) return;
    if (used - before > bytesMax) full();
    else cancel = clock.after(LOOK_MS, () => void look());
  };
  await look();
  try {
    return await task();
  } finally {
    cancel();
    // A look that is under way plans no other.
    stop.abort();
  }
}

function tooLarge(bytesMax: number): AppError {
  const size = `${Number((bytesMax / GIB).toFixed(1))} GiB`;
  return new AppError(
    'BUILD_TOO_LARGE',
    `The build was ended: the disk grew by more than ${size} meanwhile.`,
  );
}

async function usedOf(folder: string): Promise<number> {
  const { blocks, bfree, bsize } = await statfs(folder);
  return (blocks - bfree) * bsize;
}
