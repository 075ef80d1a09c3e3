import type { KubeObject } from '@kmm-fleet/runtime';
import { type BuildProgress, evicted, OUT_OF_MEMORY } from './cluster-build.ts';
import { BUILD_CONTAINERS } from './plan-build-job.ts';

interface Terminated {
  readonly exitCode: number;
  readonly reason?: string;
  readonly message?: string;
}

interface ContainerStatus {
  readonly name: string;
  readonly state?: {
    readonly terminated?: Terminated;
    readonly waiting?: { readonly reason?: string; readonly message?: string };
  };
}

interface PodStatus {
  readonly reason?: string;
  readonly message?: string;
  readonly conditions?: readonly Condition[];
  readonly initContainerStatuses?: readonly ContainerStatus[];
  readonly containerStatuses?: readonly ContainerStatus[];
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

/** A first failure to pull may pass; these do not by themselves. */
const CANNOT_BEGIN = new Set(['ImagePullBackOff', 'InvalidImageName', 'CreateContainerError']);

/** Reads a Job and its pods. Pure. @param pods of this Job; one whose node went away does not count */
export function buildJobStatus(job: KubeObject, pods: readonly KubeObject[]): BuildProgress {
  const pod = podOf(pods);
  return (pod && podProgress(statusOf(pod))) ?? jobProgress(job);
}

/** The pod that counts: the newest one that no disruption ended. */
export function podOf(pods: readonly KubeObject[]): KubeObject | undefined {
  const counting = pods.filter((pod) => !has(statusOf(pod).conditions, 'DisruptionTarget'));
  const begun = ({ metadata }: KubeObject) => metadata.creationTimestamp ?? '';
  return counting.toSorted((a, b) => (begun(a) < begun(b) ? -1 : 1)).at(-1);
}

function podProgress(status: PodStatus): BuildProgress | undefined {
  const { reason, message = '' } = status;
  if (reason === 'Evicted') return evicted(message);
  const build = stateOf(status.initContainerStatuses, BUILD_CONTAINERS.build);
  const push = stateOf(status.containerStatuses, BUILD_CONTAINERS.push);
  const waiting = [build?.waiting, push?.waiting].find((state) => CANNOT_BEGIN.has(state?.reason ?? ''));
  if (waiting) {
    const said = `${waiting.reason ?? ''} ${waiting.message ?? ''}`.trim();
    return { kind: 'ended', code: 'BUILDER_MISSING', message: `The pod of the build cannot start: ${said}` };
  }
  if (build?.terminated && build.terminated.exitCode !== 0) return ended('bud', build.terminated);
  if (!push?.terminated) return undefined;
  const { exitCode, message: digest = '' } = push.terminated;
  if (exitCode !== 0) return ended('push', push.terminated);
  return { kind: 'built', digest: digest.trim() };
}

function ended(command: 'bud' | 'push', { exitCode, reason }: Terminated): BuildProgress {
  if (reason === 'OOMKilled') return OUT_OF_MEMORY;
  return { kind: 'failed', command, exitCode };
}

function jobProgress(job: KubeObject): BuildProgress {
  const { conditions } = (job['status'] ?? {}) as { readonly conditions?: readonly Condition[] };
  const failed = conditions?.find(({ type, status }) => type === 'Failed' && status === 'True');
  if (!failed) return { kind: 'running' };
  const code = failed.reason === 'DeadlineExceeded' ? 'BUILD_TIMED_OUT' : 'BUILD_FAILED';
  return {
    kind: 'ended',
    code,
    message: `Job ${job.metadata.name}: ${failed.message ?? failed.reason ?? 'failed'}`,
  };
}

const statusOf = (pod: KubeObject) => (pod['status'] ?? {}) as PodStatus;

const stateOf = (statuses: readonly ContainerStatus[] | undefined, name: string) =>
  statuses?.find((status) => status.name === name)?.state;

const has = (conditions: readonly Condition[] | undefined, type: string) =>
  conditions?.some((condition) => condition.type === type && condition.status === 'True');
