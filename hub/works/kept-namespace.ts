import type { ManifestWork } from '@kmm-fleet/api';
import { appliedCondition, moduleReport } from './agent-report.ts';

/**
 * The namespace in which the Module of a work has to stay although another one is wanted; undefined where it is free to
 * go there. Agents delete what a work no longer names, so a Module that moves is first of all a driver that is unloaded.
 * Pure: docs/decisions/0018.
 */
export function keptNamespace(work: ManifestWork | undefined, wanted: string): string | undefined {
  const named = work && namespaceOf(work);
  if (!named || named === wanted || work.metadata.deletionTimestamp) return undefined;
  const place = placeOf(work);
  // Somebody else wrote the other namespace into the work, and its cluster has not followed yet.
  const isWhereWanted = place === 'elsewhere' && moduleReport(work)?.resourceMeta.namespace === wanted;
  return isWhereWanted || place === 'nowhere' ? undefined : named;
}

/**
 * Where the agent says that the Module is. Nowhere: it cannot apply the work as it is now, and none is there from before
 * either. Elsewhere: what it reports is of a namespace that the work no longer names. As named also when it says nothing.
 */
export function placeOf(work: ManifestWork): 'as named' | 'elsewhere' | 'nowhere' {
  const report = moduleReport(work);
  const reported = report?.resourceMeta.namespace;
  if (reported !== undefined && reported !== namespaceOf(work)) return 'elsewhere';
  const isMissing = report?.conditions?.some(
    ({ type, status }) => type === 'Available' && status === 'False',
  );
  return isMissing && appliedCondition(work)?.status === 'False' ? 'nowhere' : 'as named';
}

const namespaceOf = ({ spec }: ManifestWork) => spec.workload?.manifests?.[0]?.metadata.namespace;
