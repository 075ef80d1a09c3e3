import { kernelsFromClaims } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nodeOf } from '../testing/fixtures.ts';
import type { NodeView } from '../views.ts';
import { planClaims } from './plan-claims.ts';

const FIRST = 'kernel-versions.kmm.node.kubernetes.io';
const claim = (name: string, value: string) =>
  ({
    apiVersion: 'cluster.open-cluster-management.io/v1alpha1',
    kind: 'ClusterClaim',
    metadata: { name },
    spec: { value },
  }) as KubeObject;
const valueOf = (object: KubeObject) => (object['spec'] as { value: string }).value;

it.each([
  {
    name: 'publishes what all nodes run, raw and sorted',
    kernels: ['6.2.0', '6.1.0+', '6.2.0'],
    observed: [],
    apply: ['6.1.0+\n6.2.0'],
  },
  { name: 'repairs an edit', kernels: ['6.1.0'], observed: [claim(FIRST, 'nonsense')], apply: ['6.1.0'] },
  { name: 'is silent when all is right', kernels: ['6.1.0'], observed: [claim(FIRST, '6.1.0')], apply: [] },
  {
    name: 'keeps the claim while no node is known',
    kernels: [],
    observed: [claim(FIRST, '6.1.0')],
    apply: [],
  },
])('$name', ({ kernels, observed, apply }) => {
  const nodes = kernels.map((kernel, index) => nodeOf(`n${index}`, kernel, {}));
  const change = planClaims(nodes, observed);
  expect(change.apply.map(valueOf)).toEqual(apply);
  expect(change.remove).toEqual([]);
});

it('removes overflow claims that are no longer needed, and nobody else’s', () => {
  const observed = [
    claim(FIRST, '6.1.0'),
    claim('kernel-versions-2.kmm.node.kubernetes.io', 'x'),
    claim('id.k8s.io', 'y'),
  ];
  expect(planClaims([nodeOf('n', '6.1.0', {})], observed).remove).toEqual([
    'kernel-versions-2.kmm.node.kubernetes.io',
  ]);
});

it('the hub reads back what was published, however many kernels there are', () => {
  const kernel = fc
    .tuple(fc.nat(9), fc.nat(99), fc.nat(99))
    .map(([x, y, z]) => `${x}.${y}.${z}-a-rather-long-release-name.x86_64`);
  fc.assert(
    fc.property(fc.uniqueArray(kernel, { minLength: 1, maxLength: 80 }), (kernels) => {
      const { apply } = planClaims(
        kernels.map((release, index) => nodeOf(`n${index}`, release, {})),
        [],
      );
      for (const object of apply) expect(valueOf(object).length).toBeLessThanOrEqual(1_024);
      const read = kernelsFromClaims(
        apply.map((object) => ({ name: object.metadata.name, value: valueOf(object) })),
      );
      expect(read.ok && read.value).toEqual(kernels.toSorted());
    }),
  );
});

const OS_IMAGES = 'os-images.kmm.node.kubernetes.io';
const coreOs = (name: string, kernel: string, version: string): NodeView => ({
  ...nodeOf(name, kernel, {}),
  system: { kernel, version },
});

it('tells which RHEL CoreOS brings a kernel, and takes the claim back when no node runs one', () => {
  const nodes = [coreOs('a', '4.18.0', '412.86.1-0'), nodeOf('b', '6.1.0', {})];
  const { apply } = planClaims(nodes, []);

  expect(apply.map((object) => [object.metadata.name, valueOf(object)])).toEqual([
    [FIRST, '4.18.0\n6.1.0'],
    [OS_IMAGES, '4.18.0 412.86.1-0'],
  ]);
  expect(planClaims(nodes, apply)).toMatchObject({ apply: [], remove: [] });
  expect(planClaims(nodes.slice(1), apply).remove).toEqual([OS_IMAGES]);
});
