import { isNodeClaim, kernelClaims, systemsClaim } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import type { NodeView } from '../views.ts';

/** Writes that bring the claims of a cluster to what its nodes run. */
export interface ClaimChange {
  readonly apply: readonly KubeObject[];
  readonly remove: readonly string[];
  /** Kernels that no claim holds: there are too many, or one is too long. */
  readonly unclaimed: number;
}

/** Kernels of all nodes and what brought them; nothing is removed while no node is known. Pure. */
export function planClaims(nodes: Iterable<NodeView>, observed: readonly KubeObject[]): ClaimChange {
  const all = [...nodes];
  const releases = all.map(({ release }) => release).filter((release) => release !== '');
  const kernels = kernelClaims(releases);
  const claimed = kernels.flatMap(({ value }) => value.split('\n')).length;
  const unclaimed = new Set(releases).size - claimed;
  if (kernels.length === 0) return { apply: [], remove: [], unclaimed };
  const systems = systemsClaim(all.flatMap(({ system }) => system ?? []));
  const desired = systems ? [...kernels, systems] : kernels;
  const values = new Map(observed.map((claim) => [claim.metadata.name, valueOf(claim)]));
  const names = new Set(desired.map(({ name }) => name));
  return {
    apply: desired
      .filter(({ name, value }) => values.get(name) !== value)
      .map(({ name, value }) => claimObject(name, value)),
    remove: [...values.keys()].filter((name) => isNodeClaim(name) && !names.has(name)).sort(),
    unclaimed,
  };
}

function claimObject(name: string, value: string): KubeObject {
  const apiVersion = 'cluster.open-cluster-management.io/v1alpha1';
  return { apiVersion, kind: 'ClusterClaim', metadata: { name }, spec: { value } };
}

function valueOf(claim: KubeObject): string | undefined {
  return (claim['spec'] as { value?: string } | undefined)?.value;
}
