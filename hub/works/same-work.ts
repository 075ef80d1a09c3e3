import type { ManifestWork } from '@kmm-fleet/api';
import { isAsDesired } from './diff-work.ts';
import { placeOf } from './kept-namespace.ts';

/**
 * Whether a work leads to the plan that another one led to: what a cluster reports of it leads nowhere, but for where
 * its Module is. Pure.
 */
export function isSameWork(before: ManifestWork | undefined, after: ManifestWork | undefined): boolean {
  return (
    before !== undefined &&
    after !== undefined &&
    before.metadata.deletionTimestamp === after.metadata.deletionTimestamp &&
    placeOf(before) === placeOf(after) &&
    isAsDesired(before, after)
  );
}
