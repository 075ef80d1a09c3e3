import { AppError } from '@kmm-fleet/runtime';

const FULL: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);

/** What a task throws because the disk of the builds is full, as a failure of the world; all else as it is. */
export function diskFailure(error: unknown, folder: string): unknown {
  if (!(error instanceof Error && 'code' in error && FULL.has(error.code))) return error;
  const message = `The disk of ${folder} is full: ${error.message}. Make room there, enlarge its volume, or set KMM_BUILD_DIR.`;
  return new AppError('BUILD_DISK_FULL', message, { cause: error });
}
