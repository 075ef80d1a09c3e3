import type { KubeObject } from '@kmm-fleet/runtime';
import { type BuildProgress, evicted, OUT_OF_MEMORY } from './cluster-build.ts';

interface BuildStatus {
  readonly phase?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly output?: { readonly to?: { readonly imageDigest?: string } };
}

/** A build controller takes up a Build in a second; longer than it takes one to be replaced. */
export const NEW_MS_MAX = 600_000;
/** buildah's code for trouble with registries and storage; the log tells which it was, or that it was a step. */
const BUILDAH_FAILED = 125;

/**
 * Reads a Build. A digest of '' is one that the registry did not tell the builder: it has to be looked up. Pure.
 *
 * @param nowMs milliseconds since the epoch
 */
export function openshiftBuildStatus(build: KubeObject, nowMs: number): BuildProgress {
  const { phase = 'New', ...status } = (build['status'] ?? {}) as BuildStatus;
  switch (phase) {
    case 'New':
      return newProgress(build, status, nowMs);
    case 'Complete':
      return { kind: 'built', digest: status.output?.to?.imageDigest ?? '' };
    case 'Failed':
      return failedProgress(status);
    case 'Error':
      return { kind: 'ended', code: 'BUILD_FAILED', message: told(build, 'did not run', status) };
    case 'Cancelled':
      return { kind: 'ended', code: 'BUILD_FAILED', message: told(build, 'was cancelled', status) };
    default:
      return { kind: 'running' };
  }
}

/** Reasons that the build controller gives a Build that it cannot begin stand in one that is New. */
function newProgress(build: KubeObject, status: BuildStatus, nowMs: number): BuildProgress {
  const { creationTimestamp = '' } = build.metadata;
  if (nowMs - Date.parse(creationTimestamp) < NEW_MS_MAX) return { kind: 'running' };
  const message = told(build, `is New since ${creationTimestamp}`, status);
  return { kind: 'ended', code: 'BUILDER_MISSING', message };
}

function failedProgress({ reason = '', message = '' }: BuildStatus): BuildProgress {
  if (reason === 'OutOfMemoryKilled') return OUT_OF_MEMORY;
  if (reason === 'BuildPodEvicted') return evicted(message);
  const command = reason === 'PushImageToRegistryFailed' ? 'push' : 'bud';
  return { kind: 'failed', command, exitCode: BUILDAH_FAILED };
}

function told({ metadata }: KubeObject, what: string, { reason, message }: BuildStatus): string {
  const why = [reason, message].filter(Boolean).join(', ');
  return `Build ${metadata.name} ${what}${why && `: ${why}`}`.replace(/\.?$/, '.');
}
