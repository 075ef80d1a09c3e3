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

/** Whether DaemonSet pods with these tolerations may start on a node: each taint that keeps pods off is tolerated. */
export function tolerates(tolerations: readonly Toleration[], taints: readonly Taint[]): boolean {
  const strict = taints.filter(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute');
  const all = [...DAEMON_TOLERATIONS, ...tolerations];
  return strict.every((taint) => all.some((toleration) => matchesTaint(toleration, taint)));
}

function matchesTaint({ key, operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (!key) return operator === 'Exists';
  return key === taint.key && (operator === 'Exists' || value === (taint.value ?? ''));
}
