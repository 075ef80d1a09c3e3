import { compileGlobs, globProblem } from '@kmm-fleet/api';
import { AppError } from '@kmm-fleet/runtime';
import { plainText } from '../registry/plain-text.ts';

/** Less than half a second. Some ten steps per glob and module are usual: enough for 256 globs on 5,000 modules. */
const STEPS_MAX = 20_000_000;

/** What a list of exact paths and globs means in one image. */
export interface FileList {
  /** Whether this path is an entry, as it stands. */
  readonly names: (path: string) => boolean;
  /** Globs that match a path, by their index in the list. @throws {AppError} SIGN_FAILED when all that takes too long */
  readonly globsFor: (path: string) => readonly number[];
}

/** @throws {AppError} SIGN_FAILED naming an entry that is no glob of ours */
export function readFileList(entries: readonly string[], stepsMax = STEPS_MAX): FileList {
  for (const entry of entries) refuseOddGlob(entry);
  let left = stepsMax;
  const globsFor = compileGlobs(entries, (steps) => {
    left -= steps;
    if (left < 0) throw new AppError('SIGN_FAILED', TOO_LONG);
  });
  const exact = new Set(entries);
  return { names: (path) => exact.has(path), globsFor };
}

const TOO_LONG =
  'filesToSign: to look for all of its globs among the files of the image takes too long. Use fewer stars, or name the files.';

function refuseOddGlob(entry: string): void {
  const problem = globProblem(entry);
  if (!problem) return;
  const { message, next } = problem;
  throw new AppError('SIGN_FAILED', `filesToSign names "${plainText(entry)}": ${message}. ${next}`);
}
