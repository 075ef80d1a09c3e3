import { isAppError } from '@kmm-fleet/runtime';
import type { RegistryAccess } from '../registry/types.ts';

/** Makes an image from a Dockerfile and pushes it. The port behind which buildah and the builders in a cluster stand. */
export interface Builder {
  /**
   * No two at once of one target: they would push over each other.
   *
   * @param signal aborted for {@link isOver} it ends the build; for another reason, as that the operator stops, a build goes
   *   on that can do so alone, and the next call with an equal request finds it
   * @returns the digest of what was pushed, and the last lines of the log
   * @throws {AppError} BUILD_FAILED with the log in {@link buildLog}, or a REGISTRY_ code when pulling or pushing failed
   */
  build(request: BuildRequest, signal?: AbortSignal, timer?: BuildTimer): Promise<BuildResult>;
  /** The command by which people read the log of the build of a target while it runs. */
  logCommand?(target: string): string;
}

/** The time that a build may take. It runs from the call on. */
export interface BuildTimer {
  /** While a build waits for others. */
  stop(): void;
  /** Gives a build all of its time. */
  start(): void;
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
  /** Labels of the nodes that it may run on, where it runs in a cluster. */
  readonly nodeSelector?: Readonly<Record<string, string>> | undefined;
}

export interface BuildSecret {
  readonly name: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

export interface BuildResult {
  readonly digest: string;
  readonly log: string;
}

/** Why a build is ended whose result nobody would take. */
export class BuildUnwanted extends Error {}

/** Whether a build that is aborted for this reason is to end for good: it is unwanted, or beyond a limit. */
export const isOver = (reason: unknown): boolean => reason instanceof BuildUnwanted || isAppError(reason);

/** Characters of a log that are kept for the status. */
export const LOG_CHARS_MAX = 4_096;

/** Last lines of the log behind a failed build; empty when there is none. */
export const buildLog = (error: unknown): string => causeOf(error, 'log').slice(-LOG_CHARS_MAX);

/** The command that shows the whole log of a failed build; empty when there is none. */
export const buildLogCommand = (error: unknown): string => causeOf(error, 'logCommand');

function causeOf(error: unknown, name: 'log' | 'logCommand'): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const value: unknown = typeof cause === 'object' && cause !== null ? Reflect.get(cause, name) : undefined;
  return typeof value === 'string' ? value : '';
}

/** How people read a file of an operator: with kubectl where it runs in a pod, else where it is. */
export const readFileCommand =
  (namespace: string, account: string, isInPod: boolean) =>
  (file: string): string =>
    isInPod
      ? `kubectl -n ${namespace} exec deploy/${account}-manager -c manager -- cat ${file}`
      : `cat ${file}`;
