import type { Claim } from '../kinds/ocm.ts';
import { SYSTEMS_CLAIM } from '../names.ts';
import { CLAIM_CHARS_MAX, isKernelClaim, kernelClaimNames } from './kernel-claims.ts';

/** A kernel and a version of RHEL CoreOS that brings it. */
export interface NodeSystem {
  /** Without a trailing '+'. */
  readonly kernel: string;
  readonly version: string;
}

/** Whether a claim tells something of the nodes of a cluster: their kernels, or what brought these. */
export const isNodeClaim = (name: string): boolean => isKernelClaim(name) || name === SYSTEMS_CLAIM;

/** Every name that such a claim can have. */
export const nodeClaimNames = (): string[] => [...kernelClaimNames(), SYSTEMS_CLAIM];

/** `412.86.202302211547-0`, later `9.6.20250523-0`: what tags of driver toolkits are called. */
const VERSION = /\d+\.\d+\.\d+-\d+/;

/** The version of RHEL CoreOS in what a node calls its system; undefined for any other system. */
export const coreOsVersion = (osImage: string): string | undefined => VERSION.exec(osImage)?.[0];

/**
 * The claim that carries these systems: a line for each kernel, with the versions after it, sorted. What is more than
 * one claim holds is left out: only toolkits that a hub looks up by itself depend on it.
 */
export function systemsClaim(systems: readonly NodeSystem[]): Claim | undefined {
  const versions = new Map<string, Set<string>>();
  for (const { kernel, version } of systems)
    versions.set(kernel, (versions.get(kernel) ?? new Set()).add(version));
  const lines = [...versions].map(([kernel, all]) => [kernel, ...[...all].sort()].join(' ')).sort();
  let value = '';
  for (const line of lines) {
    const longer = value === '' ? line : `${value}\n${line}`;
    if (longer.length <= CLAIM_CHARS_MAX) value = longer;
  }
  return value === '' ? undefined : { name: SYSTEMS_CLAIM, value };
}

/** What {@link systemsClaim} wrote; a line that is none of it is passed over. */
export function systemsFromClaims(claims: readonly Claim[]): NodeSystem[] {
  const value = claims.find(({ name }) => name === SYSTEMS_CLAIM)?.value ?? '';
  // Whoever writes the status of a cluster may write more than OCM would.
  return value
    .slice(0, CLAIM_CHARS_MAX)
    .split('\n')
    .flatMap((line) => {
      const [kernel = '', ...versions] = line.trim().split(/\s+/);
      return versions
        .filter((version) => coreOsVersion(version) === version)
        .map((version) => ({ kernel, version }));
    });
}
