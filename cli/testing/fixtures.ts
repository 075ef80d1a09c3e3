import { KERNEL_CLAIM, type ManifestWork, type ModuleImage, type ModuleImageSpec } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import { digestOf, image, mcmObject, stored } from '../../hub/testing/fixtures.ts';
import { type FleetView, fleetView, planItems } from '../hub/fleet-view.ts';

export const OPERATOR_NAMESPACE = 'openshift-kmm-hub';

/** A ManagedCluster that claims these kernels; undefined claims nothing. */
export function managedCluster(
  name: string,
  kernels: readonly string[] | undefined,
  labels: Record<string, string> = { site: 'edge' },
): KubeObject {
  return {
    apiVersion: 'cluster.open-cluster-management.io/v1',
    kind: 'ManagedCluster',
    metadata: { name, labels },
    status: { clusterClaims: kernels ? [{ name: KERNEL_CLAIM, value: kernels.join('\n') || ' ' }] : [] },
  };
}

export interface FleetOptions {
  readonly clusters: readonly KubeObject[];
  readonly works?: readonly ManifestWork[];
  readonly images?: readonly ModuleImage[];
}

export const fleetOf = ({ clusters, works = [], images = [] }: FleetOptions): FleetView =>
  fleetView(clusters, works, images, OPERATOR_NAMESPACE);

/** The images that a module wants on these clusters, in the states of their kernels. */
export function imagesFor(
  mcm: KubeObject,
  clusters: readonly KubeObject[],
  statuses: Readonly<Record<string, ModuleImage['status']>>,
): ModuleImage[] {
  const wanted = new Map<string, ModuleImageSpec>();
  for (const { plan } of planItems(mcm.metadata.name, mcm, fleetOf({ clusters })))
    for (const { name, spec } of plan.wanted) wanted.set(name, spec);
  return [...wanted].flatMap(([name, spec]) => {
    const status = statuses[spec.kernelVersion];
    return status ? [image(name, spec, status)] : [];
  });
}

export const ready = (letter: string): ModuleImage['status'] => ({
  state: 'Ready',
  digest: digestOf(letter),
});

/** The works that the hub writes for these clusters when their images are in these states. */
export function worksFor(
  mcm: KubeObject,
  clusters: readonly KubeObject[],
  statuses: Readonly<Record<string, ModuleImage['status']>>,
  status: ManifestWork['status'] = {},
): ManifestWork[] {
  const fleet = fleetOf({ clusters, images: imagesFor(mcm, clusters, statuses) });
  return planItems(mcm.metadata.name, mcm, fleet).flatMap(({ plan }) =>
    plan.action.kind === 'apply' ? [stored(plan.action.work, status)] : [],
  );
}

/** What the agent of a cluster reports: applied, and the Module's counters. */
export function reported(numbers: Readonly<Record<string, number>>): ManifestWork['status'] {
  const values = Object.entries(numbers).map(([name, integer]) => ({
    name,
    fieldValue: { type: 'Integer', integer },
  }));
  return {
    conditions: [{ type: 'Applied', status: 'True', observedGeneration: 1 }],
    resourceStatus: { manifests: [{ resourceMeta: {}, statusFeedback: { values } }] },
  };
}

/** The module of the hub's fixtures with another mapping. */
export function mcmWith(mapping: Readonly<Record<string, unknown>>): KubeObject {
  const mcm = mcmObject();
  const spec = structuredClone(mcm['spec']) as {
    moduleSpec: { moduleLoader: { container: { kernelMappings: unknown[] } } };
  };
  spec.moduleSpec.moduleLoader.container.kernelMappings = [mapping];
  return { ...mcm, spec };
}

/** A node that the module of the fixtures selects. */
export function nodeOf(name: string, kernel: string, labels = { accelerator: 'yes' }): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    status: { nodeInfo: { kernelVersion: kernel } },
  };
}
