import { counted, kubeletWords, LABELS } from '@kmm-fleet/api';
import { type KubeObject, objectKey } from '@kmm-fleet/runtime';
import { type Problem, severityOf } from './problems.ts';

interface ContainerStatus {
  readonly name: string;
  readonly image?: string;
  readonly restartCount?: number;
  readonly state?: { readonly waiting?: { reason?: string; message?: string } };
  readonly lastState?: { readonly terminated?: Ended };
}

interface Ended {
  readonly exitCode?: number;
  readonly reason?: string;
  readonly message?: string;
}

interface PodView {
  readonly conditions?: readonly { type: string; status: string }[];
  readonly initContainerStatuses?: readonly ContainerStatus[];
  readonly containerStatuses?: readonly ContainerStatus[];
}

const STARTING = new Set(['ContainerCreating', 'PodInitializing']);

export const containerStatuses = ({ status }: KubeObject): ContainerStatus[] => {
  const { initContainerStatuses = [], containerStatuses = [] } = (status ?? {}) as PodView;
  return [...initContainerStatuses, ...containerStatuses];
};

/** A finished build pod is not ready either, and all is well. */
export function isHealthy(pod: KubeObject): boolean {
  const { conditions = [], phase } = (pod['status'] ?? {}) as PodView & { phase?: string };
  const isReady = conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
  return (
    phase === 'Succeeded' ||
    (isReady && containerStatuses(pod).every(({ restartCount = 0 }) => restartCount === 0))
  );
}

/** What looks wrong about a pod of an operator, a loader, a device plugin or a build. Pure. */
export function examinePod(pod: KubeObject, operatorNamespace: string): Problem[] {
  const problems = containerStatuses(pod).flatMap((container) => examineContainer(pod, container));
  const isOperator =
    pod.metadata.namespace === operatorNamespace && !pod.metadata.labels?.[LABELS.moduleName];
  if (!isOperator || isHealthy(pod) || problems.length > 0) return problems;
  return [tell(pod, 'OperatorNotReady', 'The pod is not ready.')];
}

function examineContainer(pod: KubeObject, container: ContainerStatus): Problem[] {
  const { name, state, lastState, restartCount = 0 } = container;
  const ended = lastState?.terminated;
  const words = (ended?.message ?? kubeletWords(state?.waiting?.message ?? '')).trim();
  const told = `${name}: ${words || endOf(ended)}`;
  const waiting = state?.waiting?.reason;
  if (waiting && !STARTING.has(waiting)) {
    // The back-off has no content of its own: what failed before it has.
    const isHook = waiting === 'CrashLoopBackOff' && isLoader(pod) && ended?.exitCode !== 255;
    return [tell(pod, isHook ? 'PostStartHookError' : waiting, told)];
  }
  if (restartCount === 0) return [];
  return [tell(pod, 'ContainerRestarts', `${counted(restartCount, 'restart')}. ${told}`)];
}

function endOf(ended: Ended | undefined): string {
  if (ended?.exitCode === undefined) return 'it says nothing';
  return `it ended with exit code ${ended.exitCode}${ended.reason ? ` (${ended.reason})` : ''}`;
}

const isLoader = ({ metadata }: KubeObject) =>
  metadata.labels?.[LABELS.moduleName] !== undefined && metadata.labels[LABELS.kernelVersion] !== undefined;

const tell = (pod: KubeObject, reason: string, message: string): Problem => ({
  severity: severityOf(reason),
  reason,
  kind: 'Pod',
  object: objectKey(pod.metadata),
  message,
});
