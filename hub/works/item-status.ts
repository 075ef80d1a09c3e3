import { counted, FAILURE_FEEDBACK, isTrue, type ManifestWork } from '@kmm-fleet/api';
import { appliedCondition, moduleReport } from './agent-report.ts';
import { notApplied } from './not-applied.ts';
import type { Wait, WorkPlan } from './plan-work.ts';

/** Where one module stands on one cluster. */
export interface ItemState {
  readonly state: 'Ready' | 'Progressing' | 'Waiting' | 'Degraded' | 'Deleting';
  readonly reason: string;
  readonly message: string;
  readonly kernel?: string;
  /** Counts in nodes, as the cluster reports them. */
  readonly nodes: NodeCounts;
  /** Upstream's counters count these. */
  readonly work: { readonly exists: boolean; readonly isApplied: boolean; readonly isDegraded: boolean };
}

export interface NodeCounts {
  /** Nodes that the module's selector matches, with taints that it tolerates. */
  readonly selected: number;
  /** Those of them whose kernel has a mapping. */
  readonly desired: number;
  readonly available: number;
}

/** What a plan says beside what it writes: its work is judged by it for as long as nothing else is planned. */
export interface Outlook {
  readonly action: Pick<WorkPlan['action'], 'kind'>;
  readonly waits: readonly Wait[];
}

type Verdict = Pick<ItemState, 'state' | 'reason' | 'message' | 'kernel'>;

const RANK = { Degraded: 0, Waiting: 1, Progressing: 2 } as const;

/** Sums up one item, what is worst first; undefined when there is nothing left to speak of. Pure. */
export function itemStatus(outlook: Outlook, work: ManifestWork | undefined): ItemState | undefined {
  if (!work && outlook.action.kind === 'delete') return undefined;
  const conditions = work?.status?.conditions;
  return {
    ...verdict(outlook, work),
    nodes: reportedNodes(work),
    work: {
      exists: Boolean(work),
      isApplied: isTrue(conditions, 'Applied'),
      isDegraded: isTrue(conditions, 'Degraded'),
    },
  };
}

function verdict({ action, waits }: Outlook, work: ManifestWork | undefined): Verdict {
  if (action.kind === 'delete' || work?.metadata.deletionTimestamp) {
    return {
      state: 'Deleting',
      reason: 'WaitingForSpoke',
      message: 'The cluster unloads the module before its work goes.',
    };
  }
  const applied = work && appliedVerdict(work);
  const worst = waits.toSorted((a: Wait, b: Wait) => RANK[a.state] - RANK[b.state])[0];
  if (applied?.state === 'Degraded') return applied;
  const failure = work && !applied && failureOnNodes(work, waits);
  if (failure && worst?.state !== 'Degraded') return failure;
  if (worst) return worst;
  if (!work) return { state: 'Progressing', reason: 'WorkPending', message: 'The work is being written.' };
  return applied ?? nodesVerdict(work);
}

/** What the agent of the cluster says of the work; undefined when it is applied as it is now. */
function appliedVerdict(work: ManifestWork): Verdict | undefined {
  const applied = appliedCondition(work);
  if (!applied) {
    return {
      state: 'Progressing',
      reason: 'WaitingForAgent',
      message: 'The cluster has not applied the work yet.',
    };
  }
  if (applied.status === 'True') return undefined;
  const details = moduleReport(work)?.conditions?.find(({ type }) => type === 'Applied');
  const message = notApplied(details?.message ?? applied.message ?? '', work);
  return { state: 'Degraded', reason: 'WorkNotApplied', message: message.slice(0, 1_000) };
}

/** What the cluster says has failed there, unless it only says what the hub waits for anyway. */
function failureOnNodes(work: ManifestWork, waits: readonly Wait[]): Verdict | undefined {
  const failure = reportedFailure(work);
  if (!failure || isUnnamedKernel(work) || waits.some(({ reason }) => reason === failure.reason))
    return undefined;
  // The Module is a part of the object that people edit here.
  const message = failure.message.replaceAll(
    /\bspec\.(?=moduleLoader\b|devicePlugin\b)/g,
    'spec.moduleSpec.',
  );
  return { state: 'Degraded', reason: failure.reason, message };
}

/** Whether a node runs a kernel that the Module does not name. It is for the hub to say why: its mappings are the hub's. */
const isUnnamedKernel = (work: ManifestWork) => reportedFailure(work)?.reason === 'KernelNotMapped';

function reportedFailure(work: ManifestWork): { reason: string; message: string } | undefined {
  const [status, reason = '', message = ''] = FAILURE_FEEDBACK.map(({ name }) => valueOf(work, name)?.string);
  return status === 'True' ? { reason, message } : undefined;
}

function nodesVerdict(work: ManifestWork): Verdict {
  const { selected, desired, available } = reportedNodes(work);
  const wanted = isUnnamedKernel(work) ? selected : desired;
  const plugin = [
    feedback(work, 'devicePlugin.availableNumber'),
    feedback(work, 'devicePlugin.desiredNumber'),
  ] as const;
  if (!hasReportedNodes(work)) {
    return { state: 'Progressing', reason: 'WaitingForStatus', message: 'The cluster has not reported yet.' };
  }
  if (available < wanted) {
    return {
      state: 'Progressing',
      reason: 'NodesLoading',
      message: `${available} of ${counted(wanted, 'node has', 'nodes have')} the module.`,
    };
  }
  if ((plugin[0] ?? 0) < (plugin[1] ?? 0)) {
    const message = `${plugin[0] ?? 0} of ${counted(plugin[1] ?? 0, 'node runs', 'nodes run')} the device plugin.`;
    return { state: 'Progressing', reason: 'DevicePluginStarting', message };
  }
  if (selected === 0) {
    const message = 'No node has the labels of spec.moduleSpec.selector, or its taints are not tolerated.';
    return { state: 'Ready', reason: 'NoNodeSelected', message };
  }
  return {
    state: 'Ready',
    reason: 'Loaded',
    message: `${counted(available, 'node has', 'nodes have')} the module.`,
  };
}

/** Whether the cluster has counted its nodes. */
export const hasReportedNodes = (work: ManifestWork | undefined): boolean =>
  [feedback(work, 'moduleLoader.desiredNumber'), feedback(work, 'devicePlugin.desiredNumber')].some(
    (number) => number !== undefined,
  );

/** Counts in nodes, as the cluster reports them with its work. */
export function reportedNodes(work: ManifestWork | undefined): NodeCounts {
  const part = feedback(work, 'moduleLoader.desiredNumber') === undefined ? 'devicePlugin' : 'moduleLoader';
  // Zeros are left out of a Module's status, so an absent value is one.
  const desired = feedback(work, `${part}.desiredNumber`) ?? 0;
  return {
    selected: feedback(work, `${part}.nodesMatchingSelectorNumber`) ?? desired,
    desired,
    available: feedback(work, `${part}.availableNumber`) ?? 0,
  };
}

function feedback(work: ManifestWork | undefined, name: string): number | undefined {
  return valueOf(work, name)?.integer;
}

function valueOf(work: ManifestWork | undefined, name: string) {
  const values = work && moduleReport(work)?.statusFeedback?.values;
  return values?.find((value) => value.name === name)?.fieldValue;
}
