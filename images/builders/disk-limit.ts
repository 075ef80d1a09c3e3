import { statfs } from 'node:fs/promises';
import { AppError, type Clock, systemClock } from '@kmm-fleet/runtime';

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

/**
 * Runs a build that is ended when the disk fills up meanwhile: what one step writes is seen by nobody before it is
 * done. The whole disk is looked at, whoever writes to it: it is the one that must not be full.
 *
 * @throws {AppError} BUILD_TOO_LARGE then
 */
export async function withDiskLimit<T>(
  { folder, bytesMax, clock = systemClock, usedBytes = usedOf }: DiskLimit,
  signal: AbortSignal | undefined,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const before = await usedBytes(folder);
  let cancel = () => {};
  const look = async () => {
    if ((await usedBytes(folder).catch(() => before)) - before > bytesMax) stop.abort(tooLarge(bytesMax));
    else if (!stop.signal.aborted) cancel = clock.after(LOOK_MS, () => void look());
  };
  await look();
  try {
    return await task(AbortSignal.any([stop.signal, ...(signal ? [signal] : [])]));
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
