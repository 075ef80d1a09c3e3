import {
  checkManagedClusterModule,
  type ManifestWork,
  type ModuleImage,
  type ModuleImageSpec,
  moduleImageName,
} from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import { type ClusterView, clusterView } from '../clusters/cluster-view.ts';
import type { WorkInput } from '../works/plan-work.ts';

export const digestOf = (letter: string) => `sha256:${letter.repeat(64)}`;

/** A ManagedClusterModule with one regexp mapping that builds and signs. */
export function mcmObject(overrides: Record<string, unknown> = {}): KubeObject {
  return {
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ManagedClusterModule',
    metadata: { name: 'kmod', uid: 'mcm-uid', generation: 1 },
    spec: {
      spokeNamespace: 'openshift-kmm',
      selector: { site: 'edge' },
      moduleSpec: {
        selector: { accelerator: 'yes' },
        moduleLoader: {
          container: {
            modprobe: { moduleName: 'kmod' },
            kernelMappings: [
              {
                regexp: '^6\\.1',
                containerImage: 'registry.test/kmod:${KERNEL_FULL_VERSION}',
                build: { dockerfileConfigMap: { name: 'dockerfile' } },
                sign: { keySecret: { name: 'key' }, certSecret: { name: 'cert' } },
              },
            ],
          },
        },
      },
      ...overrides,
    },
  };
}

export function mcmInput(object: KubeObject = mcmObject()): NonNullable<WorkInput['mcm']> {
  return { uid: object.metadata.uid ?? '', checked: checkManagedClusterModule(object) };
}

/** A ManagedCluster that claims these kernels; undefined claims nothing. */
export function cluster(
  kernels: readonly string[] | undefined,
  name = 'east',
  labels: Record<string, string> = { site: 'edge' },
): ClusterView {
  const clusterClaims = kernels && [
    { name: 'kernel-versions.kmm.node.kubernetes.io', value: kernels.join('\n') || ' ' },
  ];
  return clusterView({
    apiVersion: 'cluster.open-cluster-management.io/v1',
    kind: 'ManagedCluster',
    metadata: { name, labels },
    status: { clusterClaims: clusterClaims ?? [] },
  });
}

/** A lookup of images that are all Ready with one digest per kernel. */
export function readyImages(letters: Readonly<Record<string, string>>): WorkInput['image'] {
  return (name, spec) => {
    const letter = letters[spec.kernelVersion];
    return letter ? image(name, spec, { state: 'Ready', digest: digestOf(letter) }) : undefined;
  };
}

export function image(name: string, spec: ModuleImageSpec, status: ModuleImage['status'] = {}): ModuleImage {
  return {
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ModuleImage',
    metadata: { name: name || moduleImageName(spec.image, spec.kernelVersion), generation: 1 },
    spec,
    status: { observedGeneration: 1, ...status },
  };
}

/** A work as the API server stores it: with metadata of its own and a status. */
export function stored(work: ManifestWork, status: ManifestWork['status'] = {}): ManifestWork {
  const metadata = { ...work.metadata, uid: 'work-uid', resourceVersion: '7', generation: 1 };
  return structuredClone({ ...work, metadata, status });
}
