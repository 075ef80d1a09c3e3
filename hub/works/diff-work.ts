import type { ManifestWork } from '@kmm-fleet/api';
import { equalButForNulls, isSubset } from '@kmm-fleet/runtime';
import type { WorkPlan } from './plan-work.ts';

/** The one write that brings a work to its plan, or nothing. */
export type WorkChange =
  | { readonly kind: 'apply'; readonly work: ManifestWork }
  | { readonly kind: 'delete' }
  | undefined;

/**
 * Compares by content: the payload is ours alone and must be equal; around it, what others and the server's defaults
 * added does not count. So equal plans write nothing, also after a restart.
 */
export function diffWork({ action }: WorkPlan, observed: ManifestWork | undefined): WorkChange {
  if (action.kind === 'keep') return undefined;
  if (action.kind === 'delete')
    return observed && !observed.metadata.deletionTimestamp ? { kind: 'delete' } : undefined;
  return observed && isAsDesired(action.work, observed) ? undefined : { kind: 'apply', work: action.work };
}

/** Whether everything that matters of one work stands in the other. */
export function isAsDesired(desired: ManifestWork, observed: ManifestWork): boolean {
  return (
    // Some servers store an embedded object with `creationTimestamp: null`.
    equalButForNulls(desired.spec.workload ?? {}, observed.spec.workload ?? {}) &&
    isSubset(desired.spec.manifestConfigs, observed.spec.manifestConfigs) &&
    isSubset(desired.metadata.labels, observed.metadata.labels) &&
    isSubset(desired.metadata['ownerReferences'], observed.metadata['ownerReferences'])
  );
}
