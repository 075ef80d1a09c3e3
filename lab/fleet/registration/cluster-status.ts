import { type Claim, type ManagedCluster, type OcmCondition, setConditions } from '@kmm-fleet/api';

/**
 * Status of a ManagedCluster after double opt-in, as registration controller and agent leave it together. Returns
 * the previous status itself when nothing changed.
 *
 * @param now RFC 3339
 */
export function clusterStatus(
  cluster: ManagedCluster,
  claims: readonly Claim[],
  kubernetesVersion: string,
  now: string,
): ManagedCluster['status'] {
  const before = cluster.status;
  const accepted = cluster.spec?.hubAcceptsClient === true;
  const conditions = setConditions(
    before?.conditions as Parameters<typeof setConditions>[0],
    accepted ? ACCEPTED : DENIED,
    now,
  );
  // A cluster that was not let in keeps its claims to itself.
  const clusterClaims = accepted ? [...claims] : (before?.clusterClaims ?? []);
  const sameClaims = JSON.stringify(before?.clusterClaims ?? []) === JSON.stringify(clusterClaims);
  if (before && sameClaims && conditions === before.conditions) return before;
  return {
    ...before,
    version: { kubernetes: kubernetesVersion },
    clusterClaims,
    conditions: conditions as OcmCondition[],
  };
}

const condition = (type: string, status: string, reason: string, message: string) =>
  ({ type, status, reason, message }) as const;

const ACCEPTED = [
  condition('HubAcceptedManagedCluster', 'True', 'HubClusterAdminAccepted', 'Accepted by hub cluster admin'),
  condition('ManagedClusterJoined', 'True', 'ManagedClusterJoined', 'Managed cluster joined'),
  condition(
    'ManagedClusterConditionAvailable',
    'True',
    'ManagedClusterAvailable',
    'Managed cluster is available',
  ),
] as Parameters<typeof setConditions>[1];

const DENIED = [
  condition('HubAcceptedManagedCluster', 'False', 'HubClusterAdminDenied', 'Denied by hub cluster admin'),
] as Parameters<typeof setConditions>[1];
