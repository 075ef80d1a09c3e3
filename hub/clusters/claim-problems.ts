import type { Metrics } from '@kmm-fleet/runtime';
import type { ClusterView } from './cluster-view.ts';

/** Keeps the gauge of clusters whose claims cannot be planned for: too many kernels, none, or no claim at all. */
export function countClaimProblems(
  metrics: Metrics | undefined,
  before: ClusterView | undefined,
  after: ClusterView | undefined,
): void {
  const [from, to] = [problemOf(before), problemOf(after)];
  if (from === to) return;
  if (from) metrics?.add('kmm_cluster_claim_problems', { reason: from }, -1);
  if (to) metrics?.add('kmm_cluster_claim_problems', { reason: to }, 1);
}

const problemOf = (cluster: ClusterView | undefined) =>
  cluster && !cluster.kernels.ok ? cluster.kernels.findings[0]?.reason : undefined;
