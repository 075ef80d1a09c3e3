import type { AuditedRequest } from '@kmm-fleet/policies';
import type { Round } from './tell-round.ts';

/**
 * DaemonSets that were made for a round which had ended and left nothing, one sentence each: their loaders would load, and
 * then unload, what others have by now. A Module that somebody made anew explains them.
 *
 * @param requests about objects of the round
 */
export function cameBack(
  { name, ended }: Round,
  cluster: string,
  requests: readonly AuditedRequest[],
): string[] {
  if (ended === undefined) return [];
  const made = (resource: string) =>
    requests.filter(
      ({ objectRef, responseStatus, requestReceivedTimestamp: at }) =>
        objectRef?.resource === resource && responseStatus?.code === 201 && at > ended,
    );
  if (made('modules').length > 0) return [];
  return made('daemonsets').map(
    ({ requestReceivedTimestamp: at, objectRef }) =>
      `${name}: ${objectRef?.name} of ${cluster} was made at ${at}, after ${ended}`,
  );
}
