import {
  type Checked,
  type Claim,
  isKernelClaim,
  kernelsFromClaims,
  type NodeSystem,
  systemsFromClaims,
} from '@kmm-fleet/api';
import { deepEqual, type KubeObject } from '@kmm-fleet/runtime';

/** What the hub keeps of a ManagedCluster: some hundred bytes, whatever else stands in the object. */
export interface ClusterView {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string | undefined };
  readonly labels: Readonly<Record<string, string>>;
  readonly kernels: Checked<readonly string[]>;
  /** Versions of RHEL CoreOS that bring these kernels, where its spoke tells them. */
  readonly systems: readonly NodeSystem[];
  readonly isDeleting: boolean;
}

/** Reads a ManagedCluster; claims of others are dropped here already. */
export function clusterView(object: KubeObject): ClusterView {
  const status = object['status'] as { clusterClaims?: Claim[] } | undefined;
  const claims = Array.isArray(status?.clusterClaims) ? status.clusterClaims : [];
  const { name, resourceVersion } = object.metadata;
  return {
    metadata: { name, ...(resourceVersion && { resourceVersion }) },
    labels: object.metadata.labels ?? {},
    kernels: kernelsFromClaims(claims.filter((claim) => isKernelClaim(claim.name))),
    systems: systemsFromClaims(claims),
    isDeleting: object.metadata.deletionTimestamp !== undefined,
  };
}

/** Whether two views lead to the same plans: heartbeats and foreign claims do. */
export function isSameCluster(before: ClusterView | undefined, after: ClusterView | undefined): boolean {
  if (!before || !after) return before === after;
  return (
    before.isDeleting === after.isDeleting &&
    deepEqual(before.labels, after.labels) &&
    deepEqual(before.kernels, after.kernels)
  );
}
