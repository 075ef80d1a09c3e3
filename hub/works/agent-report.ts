import type { ManifestWork, OcmCondition } from '@kmm-fleet/api';

/** How applying the work as it is now has gone; undefined until the agent of the cluster has tried. */
export function appliedCondition({ metadata, status }: ManifestWork): OcmCondition | undefined {
  const applied = status?.conditions?.find(({ type }) => type === 'Applied');
  const seen = applied?.observedGeneration;
  return seen !== undefined && seen < (metadata.generation ?? 0) ? undefined : applied;
}

/** What the agent says of the Module, the one manifest of a work. */
export const moduleReport = ({ status }: ManifestWork) => status?.resourceStatus?.manifests?.[0];
