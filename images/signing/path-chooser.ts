import { compileGlob, globProblem } from '@kmm-fleet/api';
import { AppError } from '@kmm-fleet/runtime';

/**
 * Whether a path in an image is one of these exact paths or globs of filesToSign.
 *
 * @throws {AppError} SIGN_FAILED naming a pattern that is no glob of ours
 */
export function pathChooser(patterns: readonly string[]): (path: string) => boolean {
  const globs = patterns.map((pattern) => ({ pattern, matches: globOf(pattern) }));
  return (path) => globs.some(({ pattern, matches }) => path === pattern || matches(path));
}

function globOf(pattern: string): (path: string) => boolean {
  const problem = globProblem(pattern);
  if (problem === undefined) return compileGlob(pattern);
  throw new AppError(
    'SIGN_FAILED',
    `filesToSign names "${pattern}": ${problem}. Use *, ? and […], one entry for each alternative.`,
  );
}
