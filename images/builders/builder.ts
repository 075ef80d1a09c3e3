import type { RegistryAccess } from '../registry/types.ts';

/** Makes an image from a Dockerfile and pushes it. The port behind which buildah and later in-cluster builders stand. */
export interface Builder {
  /**
   * @returns the digest of what was pushed, and the last lines of the log
   * @throws {AppError} BUILD_FAILED with the log in {@link buildLog}, or a REGISTRY_ code when pulling or pushing failed
   */
  build(request: BuildRequest, signal?: AbortSignal): Promise<BuildResult>;
}

export interface BuildRequest {
  readonly dockerfile: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  /** Mounted at /run/secrets/<name>, one file per data key. */
  readonly secrets: readonly BuildSecret[];
  /** Reference with a tag. */
  readonly target: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly baseAccess: RegistryAccess;
  readonly targetAccess: RegistryAccess;
}

export interface BuildSecret {
  readonly name: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

export interface BuildResult {
  readonly digest: string;
  readonly log: string;
}

/** Characters of a log that are kept for the status. */
export const LOG_CHARS_MAX = 4_096;

/** Last lines of the log behind a failed build; empty when there is none. */
export function buildLog(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return typeof cause === 'object' && cause !== null && 'log' in cause
    ? String(cause.log).slice(-LOG_CHARS_MAX)
    : '';
}
