import { AppError, isAppError } from '@kmm-fleet/runtime';
import { plainText } from '../registry/plain-text.ts';

const MESSAGE_CHARS_MAX = 500;
const UNREACHABLE =
  /connection (refused|reset)|no such host|timeout|certificate|EOF|broken pipe|HTTP status: 5\d\d/i;

/** What is known of the log of a failed build. */
export interface Told {
  readonly log: string;
  readonly logCommand: string;
}

/** Whoever ended a build because of a limit is told how far it had come. */
export const withLog = (error: unknown, cause: Told): unknown =>
  isLimit(error) ? new AppError(error.code, error.message, { cause }) : error;

const isLimit = (error: unknown): error is AppError =>
  isAppError(error) && (error.code === 'BUILD_TIMED_OUT' || error.code === 'BUILD_TOO_LARGE');

/** buildah exits with 125 for trouble with registries and storage, and with the step's own code for a build. */
export function buildFailure(command: string | undefined, code: number | undefined, cause: Told): AppError {
  const last = cause.log.trimEnd().split('\n').at(-1) ?? '';
  const text = plainText(last, MESSAGE_CHARS_MAX);
  // A step may say anything about files; it speaks of a registry only when it pulls.
  const isRegistry =
    code === 125 && (!last.includes('building at STEP') || /docker:\/\/|registry /.test(last));
  if (isRegistry && /unauthorized|authentication required|denied/i.test(last))
    return new AppError('REGISTRY_UNAUTHORIZED', text, { cause });
  if (isRegistry && /toomanyrequests|429/i.test(last))
    return new AppError('REGISTRY_THROTTLED', text, { cause });
  // What was built is not to blame for what its push meets.
  if (command === 'push' || (isRegistry && UNREACHABLE.test(last)))
    return new AppError('REGISTRY_UNREACHABLE', text, { cause });
  return new AppError('BUILD_FAILED', `The build failed: ${text}`, { cause });
}
