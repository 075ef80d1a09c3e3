import {
  type Condition,
  counted,
  LABELS,
  lastWords,
  type ModuleImageStatus,
  matchesSelector,
} from '@kmm-fleet/api';
import { clusterView } from '@kmm-fleet/hub';
import { type KubeObject, objectKey } from '@kmm-fleet/runtime';
import { examinePod } from './examine-pod.ts';
import { type Problem, severityOf } from './problems.ts';

/** What objects are judged by beside themselves. */
export interface Circumstances {
  readonly operatorNamespace: string;
  /** Selectors of all ManagedClusterModules: a cluster that nobody selects may claim what it likes. */
  readonly selectors: readonly Readonly<Record<string, string>>[];
}

/** What looks wrong about one object. Pure. */
export function examine(object: KubeObject, circumstances: Circumstances): Problem[] {
  switch (object.kind) {
    case 'ManagedClusterModule':
    case 'Module':
      return examineModule(object);
    case 'ModuleImage':
      return examineImage(object);
    case 'ManagedCluster':
      return examineCluster(object, circumstances);
    case 'ManifestWork':
      return examineWork(object);
    case 'Deployment':
      return examineDeployment(object);
    case 'DaemonSet':
      return examineDaemonSet(object);
    case 'Pod':
      return examinePod(object, circumstances.operatorNamespace);
    case 'Node':
      return examineNode(object);
    case 'Event':
      return examineEvent(object);
    default:
      return [];
  }
}

export const problem = (object: KubeObject, reason: string, message = '', name?: string): Problem => ({
  severity: severityOf(reason),
  reason,
  kind: object.kind,
  object: name ?? objectKey(object.metadata),
  message,
});

const conditionsOf = ({ status }: KubeObject) =>
  (status as { conditions?: Condition[] } | undefined)?.conditions ?? [];

const conditionOf = (object: KubeObject, wanted: string) =>
  conditionsOf(object).find(({ type }) => type === wanted);

interface ModuleStatusView {
  readonly waiting?: readonly { cluster: string; kernel?: string; reason: string; message: string }[];
}

/** Upstream's Modules have no conditions: their numbers are in the DaemonSets too. */
function examineModule(object: KubeObject): Problem[] {
  const { waiting = [] } = (object['status'] ?? {}) as ModuleStatusView;
  if (waiting.length > 0)
    return waiting.map(({ cluster, kernel, reason, message }) => {
      const where = `${object.metadata.name} on ${cluster}${kernel ? ` (${kernel})` : ''}`;
      return problem(object, reason, message, where);
    });
  if (object.metadata.deletionTimestamp) return [problem(object, 'Deleting', 'It is being removed.')];
  const degraded = conditionOf(object, 'Degraded');
  const ready = conditionOf(object, 'Ready');
  const worst = degraded?.status === 'True' ? degraded : ready?.status === 'False' ? ready : undefined;
  return worst ? [problem(object, worst.reason, worst.message)] : [];
}

function examineImage(object: KubeObject): Problem[] {
  const {
    state = 'Wanted',
    reason = state,
    message = '',
    log,
  } = (object['status'] ?? {}) as ModuleImageStatus;
  if (state === 'Ready') return [];
  return [problem(object, reason, `${lastWords(log, message)}${message}`)];
}

function examineCluster(object: KubeObject, { selectors }: Circumstances): Problem[] {
  const labels = object.metadata.labels ?? {};
  if (!selectors.some((selector) => matchesSelector(selector, labels))) return [];
  const available = conditionOf(object, 'ManagedClusterConditionAvailable');
  const away =
    available?.status === 'True' ? [] : [problem(object, 'ClusterUnavailable', available?.message)];
  const { kernels } = clusterView(object);
  const claims = kernels.ok ? [] : kernels.findings;
  return [...away, ...claims.map(({ reason, message }) => problem(object, reason, message))];
}

function examineWork(object: KubeObject): Problem[] {
  const applied = conditionOf(object, 'Applied');
  if (!applied) return [problem(object, 'WaitingForAgent', 'The cluster has not applied the work yet.')];
  return applied.status === 'True' ? [] : [problem(object, 'WorkNotApplied', applied.message)];
}

function examineDeployment(object: KubeObject): Problem[] {
  const { replicas: wanted = 1 } = (object['spec'] ?? {}) as { replicas?: number };
  const { availableReplicas = 0 } = (object['status'] ?? {}) as { availableReplicas?: number };
  if (availableReplicas >= wanted) return [];
  return [problem(object, 'OperatorNotReady', `${availableReplicas} of ${wanted} replicas are available.`)];
}

function examineDaemonSet(object: KubeObject): Problem[] {
  const { desiredNumberScheduled: wanted = 0, numberAvailable = 0 } = (object['status'] ?? {}) as {
    desiredNumberScheduled?: number;
    numberAvailable?: number;
  };
  if (numberAvailable >= wanted) return [];
  return [
    problem(
      object,
      'PodsUnavailable',
      `${numberAvailable} of ${counted(wanted, 'pod is', 'pods are')} available.`,
    ),
  ];
}

function examineNode(object: KubeObject): Problem[] {
  const ready = conditionOf(object, 'Ready');
  const problems = ready?.status === 'True' ? [] : [problem(object, 'NodeNotReady', ready?.message)];
  const { nodeInfo } = (object['status'] ?? {}) as { nodeInfo?: { kernelVersion?: string } };
  const label = object.metadata.labels?.[LABELS.kernelVersion];
  const kernel = nodeInfo?.kernelVersion?.replace(/\+$/, '');
  if (label === undefined || label === kernel) return problems;
  return [...problems, problem(object, 'KernelLabelStale', `It runs ${kernel} and is labelled ${label}.`)];
}

interface EventView {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly involvedObject?: { readonly kind?: string; readonly name?: string };
}

function examineEvent(object: KubeObject): Problem[] {
  const { type, reason = '', message, involvedObject } = object as KubeObject & EventView;
  if (type !== 'Warning' || !reason) return [];
  const about = `${involvedObject?.kind ?? ''} ${involvedObject?.name ?? ''}`.trim();
  // What happened once may be over; what still is so is told by the object itself.
  return [{ ...problem(object, reason, message, about), severity: 'warning' }];
}
