import type { Condition } from '../kinds/common.ts';

export type NextCondition = Omit<Condition, 'lastTransitionTime'>;

/**
 * Sets conditions by type. Returns `conditions` itself when nothing changed, so that the caller can skip the write;
 * the transition time moves only when the status of that condition changes.
 *
 * @param now RFC 3339
 */
export function setConditions(
  conditions: readonly Condition[] | undefined,
  next: readonly NextCondition[],
  now: string,
): readonly Condition[] {
  const before = conditions ?? [];
  const merged = new Map(before.map((condition) => [condition.type, condition]));
  for (const condition of next)
    merged.set(condition.type, stamped(condition, merged.get(condition.type), now));
  const after = [...merged.values()].sort((a, b) => (a.type < b.type ? -1 : 1));
  const same =
    after.length === before.length && after.every((condition, index) => condition === before[index]);
  return same ? before : after;
}

function stamped(next: NextCondition, previous: Condition | undefined, now: string): Condition {
  const same =
    previous?.status === next.status &&
    previous.reason === next.reason &&
    previous.message === next.message &&
    previous.observedGeneration === next.observedGeneration;
  if (previous && same) return previous;
  const since = previous?.status === next.status ? previous.lastTransitionTime : now;
  return { ...next, lastTransitionTime: since };
}

/** Whether an object's condition of this type is True. */
export function isTrue(
  conditions: readonly { readonly type: string; readonly status: string }[] | undefined,
  type: string,
): boolean {
  return conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
}
