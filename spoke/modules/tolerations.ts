import type { Toleration } from '@kmm-fleet/api';
import type { Taint } from '../views.ts';

/** What the DaemonSet controller lets every pod of a DaemonSet tolerate: a cordoned node keeps its loader. */
const DAEMON_TOLERATIONS: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];

/** What a cluster puts on nodes that do not answer or are not ready, and takes away by itself. */
const UNREACHABLE = 'node.kubernetes.io/unreachable';
const OF_ABSENCE = ['node.kubernetes.io/not-ready', UNREACHABLE];

/** Whether the cluster hears of no kubelet there, or of one that is not ready. */
export const isAbsent = (taints: readonly Taint[]): boolean =>
  taints.some(({ key }) => OF_ABSENCE.includes(key));

/** Whether no kubelet answers there; one that is not ready still ends its pods. */
export const isSilent = (taints: readonly Taint[]): boolean => taints.some(({ key }) => key === UNREACHABLE);

/** Whether DaemonSet pods with these tolerations belong on a node, were it there. */
export function tolerates(tolerations: readonly Toleration[], taints: readonly Taint[]): boolean {
  return mayStart(
    tolerations,
    taints.filter(({ key }) => !OF_ABSENCE.includes(key)),
  );
}

/** Whether DaemonSet pods with these tolerations may start on a node: each taint that keeps pods off is tolerated. */
export function mayStart(tolerations: readonly Toleration[], taints: readonly Taint[]): boolean {
  const strict = taints.filter(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute');
  const all = [...DAEMON_TOLERATIONS, ...tolerations];
  return strict.every((taint) => all.some((toleration) => matchesTaint(toleration, taint)));
}

function matchesTaint({ key, operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (!key) return operator === 'Exists';
  return key === taint.key && (operator === 'Exists' || value === (taint.value ?? ''));
}
