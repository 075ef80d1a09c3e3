import type { Claim } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';

/** What of a cluster's claims the hub gets to see. */
export interface ClaimPlan {
  /** Sorted by name. */
  readonly claims: readonly Claim[];
  /** Names of claims that were cut off: an event on the cluster tells. */
  readonly truncated: readonly string[];
}

const RESERVED = new Set([
  'id.k8s.io',
  'kubeversion.open-cluster-management.io',
  'platform.open-cluster-management.io',
  'product.open-cluster-management.io',
]);
/** OCM copies no claim with this label. */
const SPOKE_ONLY = 'open-cluster-management.io/spoke-only';
const CUSTOM_MAX = 20;
const VALUE_CHARS_MAX = 1_024;

/**
 * Chooses as OCM's registration agent does: reserved claims always, of the others the first 20 by name. A value that
 * the hub's schema would refuse is left out, so that it does not hold back the others.
 *
 * @param suffixes reserved suffixes that the klusterlet was told of
 */
export function planClaims(claims: readonly KubeObject[], suffixes: readonly string[] = []): ClaimPlan {
  const isReserved = ({ name }: Claim) =>
    RESERVED.has(name) || suffixes.some((suffix) => name === suffix || name.endsWith(`.${suffix}`));
  const shared = claims
    .filter(({ metadata }) => metadata.labels?.[SPOKE_ONLY] === undefined)
    .map((claim) => ({ name: claim.metadata.name, value: valueOf(claim) }))
    .filter(({ value }) => value.length > 0 && value.length <= VALUE_CHARS_MAX)
    .sort(byName);
  const custom = shared.filter((claim) => !isReserved(claim));
  const kept = [...shared.filter(isReserved), ...custom.slice(0, CUSTOM_MAX)].sort(byName);
  return { claims: kept, truncated: custom.slice(CUSTOM_MAX).map(({ name }) => name) };
}

const byName = (a: Claim, b: Claim) => (a.name < b.name ? -1 : 1);

function valueOf(claim: KubeObject): string {
  const { value } = (claim['spec'] ?? {}) as { value?: unknown };
  return typeof value === 'string' ? value : '';
}
