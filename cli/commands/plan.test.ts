import { type ManifestWork, type ModuleImage, moduleImageName } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import { describe, expect, it } from 'vitest';
import { describePlans, planClusters } from './plan.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const mcm = (mapping: object): KubeObject => ({
  apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
  kind: 'ManagedClusterModule',
  metadata: { name: 'kmod' },
  spec: {
    spokeNamespace: 'ns',
    selector: { site: 'edge' },
    moduleSpec: {
      selector: {},
      moduleLoader: {
        container: {
          modprobe: { moduleName: 'kmod' },
          kernelMappings: [
            { regexp: '^6\\.1', containerImage: 'r.example/kmod:${KERNEL_FULL_VERSION}', ...mapping },
          ],
        },
      },
    },
  },
});
const cluster = (name: string, kernels: string | undefined, site = 'edge'): KubeObject => ({
  apiVersion: 'cluster.open-cluster-management.io/v1',
  kind: 'ManagedCluster',
  metadata: { name, labels: { site } },
  spec: { hubAcceptsClient: true },
  status: {
    conditions: [{ type: 'HubAcceptedManagedCluster', status: 'True' }],
    ...(kernels && { clusterClaims: [{ name: 'kernel-versions.kmm.node.kubernetes.io', value: kernels }] }),
  },
});
const plan = (
  clusters: readonly KubeObject[],
  {
    mapping = {},
    images = [],
    works = [],
  }: { mapping?: object; images?: ModuleImage[]; works?: ManifestWork[] } = {},
) => planClusters({ mcm: mcm(mapping), clusters, works, images, operatorNamespace: 'hub-ns' });

describe('a plan', () => {
  it('names cluster, kernel, image and what is to happen, sorted', () => {
    const plans = plan([cluster('west', '6.1.0-2'), cluster('east', '6.1.0-1\n6.6.0')]);

    expect(
      plans.map(({ cluster: name, action, kernels }) => [
        name,
        action,
        kernels.map(({ kernel, state }) => [kernel, state]),
      ]),
    ).toEqual([
      [
        'east',
        'create',
        [
          ['6.1.0-1', 'ImageWanted'],
          ['6.6.0', 'KernelNotMapped'],
        ],
      ],
      ['west', 'create', [['6.1.0-2', 'ImageWanted']]],
    ]);
  });

  it('leaves out clusters that are not selected and never were', () => {
    expect(plan([cluster('far', '6.1.0-1', 'other')])).toEqual([]);
  });

  it('says that a cluster has told no kernels', () => {
    expect(plan([cluster('east', undefined)])[0]?.kernels).toMatchObject([
      { state: expect.stringMatching(/Claim|Kernels/) },
    ]);
  });

  it('changes nothing where no kernel has a mapping', () => {
    expect(plan([cluster('east', '6.6.0')])).toMatchObject([{ action: 'none', waitsForImages: false }]);
  });

  it('updates at once where the image is ready', () => {
    const containerImage = `r.example/kmod@${DIGEST}`;
    const spec = {
      image: containerImage,
      kernelVersion: '6.1.0-1',
      module: { name: 'kmod', namespace: 'hub-ns' },
    };
    const metadata = { name: moduleImageName(containerImage, '6.1.0-1'), generation: 1 };
    const status = { state: 'Ready' as const, digest: DIGEST, observedGeneration: 1 };
    const image = { metadata, spec, status } as ModuleImage;

    const plans = plan([cluster('east', '6.1.0-1')], { mapping: { containerImage }, images: [image] });

    expect(plans).toMatchObject([
      { action: 'create', waitsForImages: false, kernels: [{ kernel: '6.1.0-1', state: 'Ready' }] },
    ]);
  });

  it('removes the module from a cluster that is no longer selected', () => {
    const work = { metadata: { name: 'kmod', namespace: 'far' }, spec: {} } as ManifestWork;

    expect(plan([cluster('far', '6.1.0-1', 'other')], { works: [work] })).toEqual([
      { cluster: 'far', action: 'delete', waitsForImages: false, kernels: [] },
    ]);
  });

  it('says so when no cluster is selected', () => {
    expect(describePlans([], 3)).toBe('None of 3 clusters matches spec.selector, and none has the module.');
  });

  it('sums up how many clusters change and how many images are made, each once', () => {
    const text = describePlans(
      plan([cluster('east', '6.1.0-1'), cluster('west', '6.1.0-1'), cluster('edge', '6.6.0')]),
      4,
    );

    expect(text).toContain(
      '2 of 4 clusters would change, 2 of them when their images are ready; 1 image would be looked up or made.',
    );
    expect(text).toContain('No kernel mapping matches kernel 6.6.0');
    expect(text.split('\n')[0]).toMatch(/^CLUSTER +WORK +KERNEL +STATE +IMAGE$/);
  });
});
