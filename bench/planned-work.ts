import { checkManagedClusterModule, KERNEL_CLAIM } from '@kmm-fleet/api';
import { type ClusterView, clusterView, createKernelImages, planWork, type WorkPlan } from '@kmm-fleet/hub';
import type { KubeObject } from '@kmm-fleet/runtime';
import { module } from './fleet.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
/** As long as one of a server's. */
const UID = '00000000-0000-4000-8000-000000000000';
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

/** What the hub would do on a cluster for a module named kmod, its image being there with this digest. */
export function plannerOf(object: KubeObject, digest: string): (cluster: ClusterView) => WorkPlan {
  const checked = checkManagedClusterModule({ ...object, metadata: { name: 'kmod', uid: UID } });
  return (cluster) =>
    planWork({
      mcm: { uid: UID, checked },
      cluster,
      isSelected: true,
      kernelImages,
      image: (name, spec) => ({
        apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
        kind: 'ModuleImage',
        metadata: { name, generation: 1 },
        spec,
        status: { state: 'Ready', digest, observedGeneration: 1 },
      }),
      work: undefined,
    });
}

export const planOn = plannerOf(module(), DIGEST);
