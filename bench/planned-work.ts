import { checkManagedClusterModule, KERNEL_CLAIM } from '@kmm-fleet/api';
import { type ClusterView, clusterView, createKernelImages, planWork, type WorkPlan } from '@kmm-fleet/hub';
import { module } from './fleet.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const checked = checkManagedClusterModule({ ...module(), metadata: { name: 'kmod', uid: 'u' } });
const kernelImages = createKernelImages('hub');

/** A cluster of the fleet, as the hub keeps it. */
export function clusterNamed(name: string): ClusterView {
  return clusterView({
    apiVersion: 'v1',
    kind: 'ManagedCluster',
    metadata: { name, labels: { site: 'edge' } },
    status: { clusterClaims: [{ name: KERNEL_CLAIM, value: '6.1.0-1-amd64' }] },
  });
}

/** What the hub would do for the module on a cluster, its image being there. */
export function planOn(cluster: ClusterView): WorkPlan {
  return planWork({
    mcm: { uid: 'u', checked },
    cluster,
    isSelected: true,
    kernelImages,
    image: (name, spec) => ({
      apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
      kind: 'ModuleImage',
      metadata: { name, generation: 1 },
      spec,
      status: { state: 'Ready', digest: DIGEST, observedGeneration: 1 },
    }),
    work: undefined,
  });
}
