import { bad, type Checked, found, good } from '../finding.ts';
import type { Claim } from '../kinds/ocm.ts';
import { KERNEL_CLAIM } from '../names.ts';

/** Characters that OCM takes in one claim. */
export const CLAIM_CHARS_MAX = 1_024;

/** Kernels of one cluster that the hub plans for; a cluster with more is misconfigured. */
export const KERNELS_MAX = 256;

/** Enough for more than that, whatever their length: a release has at most 64 characters. */
const CLAIMS_MAX = 20;

const [CLAIM_STEM = '', ...CLAIM_DOMAIN] = KERNEL_CLAIM.split('.');
const OVERFLOW = new RegExp(`^${CLAIM_STEM}(?:-([2-9]|[1-9][0-9]{1,2}))?\\.${CLAIM_DOMAIN.join('\\.')}$`);

/** Whether a claim is ours: the first one, named as upstream's, or a numbered overflow of it. */
export const isKernelClaim = (name: string) => OVERFLOW.test(name);

/** Distinct kernel releases of a cluster, sorted, as its nodes report them (a trailing '+' is kept). */
export function kernelsFromClaims(claims: readonly Claim[] | undefined): Checked<string[]> {
  const ours = (claims ?? []).filter(({ name }) => isKernelClaim(name));
  if (ours.length === 0) {
    const next = 'Check that KMM runs on the cluster with KMM_MANAGED=1 and that OCM copies the claim.';
    return bad(found('ClaimMissing', 'status.clusterClaims', `Claim ${KERNEL_CLAIM} is missing.`, next));
  }
  const lines = ours.flatMap(({ value }) => value.split('\n')).map((line) => line.trim());
  const kernels = [...new Set(lines.filter((line) => line !== ''))].sort();
  if (kernels.length === 0) {
    const next = 'Check the nodes of the cluster.';
    return bad(found('ClaimEmpty', 'status.clusterClaims', `Claim ${KERNEL_CLAIM} names no kernel.`, next));
  }
  if (kernels.length > KERNELS_MAX) {
    const message = `The cluster claims ${kernels.length} kernels; at most ${KERNELS_MAX} are planned for.`;
    return bad(found('TooManyKernels', 'status.clusterClaims', message, 'Check the nodes of the cluster.'));
  }
  return good(kernels);
}

/** The claims that carry these kernels: sorted, one per line, numbered from 2 where one claim is not enough. */
export function kernelClaims(kernels: readonly string[]): Claim[] {
  const values: string[] = [];
  for (const kernel of [...new Set(kernels)].sort()) {
    const last = values.at(-1);
    if (last !== undefined && last.length + 1 + kernel.length <= CLAIM_CHARS_MAX) {
      values[values.length - 1] = `${last}\n${kernel}`;
    } else if (kernel.length <= CLAIM_CHARS_MAX) {
      values.push(kernel);
    }
  }
  return values.slice(0, CLAIMS_MAX).map((value, index) => ({ name: claimName(index + 1), value }));
}

/** Every name that a kernel claim can have: what RBAC may grant by name. */
export const kernelClaimNames = (): string[] =>
  Array.from({ length: CLAIMS_MAX }, (_, index) => claimName(index + 1));

function claimName(number: number): string {
  return number === 1 ? KERNEL_CLAIM : `${CLAIM_STEM}-${number}.${CLAIM_DOMAIN.join('.')}`;
}
