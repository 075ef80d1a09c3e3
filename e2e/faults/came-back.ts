import type { AuditedRequest } from '@kmm-fleet/policies';
import type { Round } from './tell-round.ts';

/**
 * DaemonSets that our operator made for a round which had ended and left nothing, one sentence each: their loaders would
 * load, and then unload, what others have by now. A Module that somebody made anew explains them.
 */
export function cameBack(
  rounds: readonly Round[],
  cluster: string,
  requests: readonly AuditedRequest[],
): string[] {
  const made = requests.filter(({ responseStatus }) => responseStatus?.code === 201);
  return rounds.flatMap(({ name, ended }) => {
    if (ended === undefined) return [];
    const late = made.filter(({ requestReceivedTimestamp: at }) => at > ended);
    if (late.some(({ objectRef }) => objectRef?.resource === 'modules' && objectRef.name === name)) return [];
    return late
      .filter(
        ({ objectRef }) => objectRef?.resource === 'daemonsets' && objectRef.name?.startsWith(`${name}-`),
      )
      .map(
        ({ requestReceivedTimestamp: at, objectRef }) =>
          `${name}: ${objectRef?.name} of ${cluster} was made at ${at}, after ${ended}`,
      );
  });
}
