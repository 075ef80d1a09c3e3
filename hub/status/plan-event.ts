import type { Condition } from '@kmm-fleet/api';

/**
 * What people see in `kubectl describe`: the module became ready or is no longer, fails for another reason than before,
 * or selects no node any more. What it waits for meanwhile is in the status, and would cost a write each time. Pure.
 */
export function planEvent(previous: readonly Condition[], conditions: readonly Condition[]) {
  const [ready, degraded] = ['Ready', 'Degraded'].map((type) => find(conditions, type));
  const [wasReady, wasDegraded] = ['Ready', 'Degraded'].map((type) => find(previous, type));
  if (!ready) return undefined;
  const { reason, message } = ready;
  const fails = degraded?.status === 'True';
  const failsAnew = fails && (wasDegraded?.status !== 'True' || wasReady?.reason !== reason);
  const losesAll = reason === 'NoNodeSelected' && wasReady?.reason !== reason;
  if (failsAnew || losesAll) return { type: 'Warning', reason, message } as const;
  return ready.status === wasReady?.status ? undefined : ({ type: 'Normal', reason, message } as const);
}

const find = (conditions: readonly Condition[], wanted: string) =>
  conditions.find(({ type }) => type === wanted);
