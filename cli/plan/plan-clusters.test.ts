import { describe, expect, it } from 'vitest';
import { digestOf, mcmObject } from '../../hub/testing/fixtures.ts';
import { plain } from '../output/terminal.ts';
import {
  fleetOf,
  imagesFor,
  managedCluster,
  mcmWith,
  ready,
  reported,
  worksFor,
} from '../testing/fixtures.ts';
import { planClusters } from './plan-clusters.ts';
import { renderPlan } from './render-plan.ts';

const KERNEL = '6.1.0-1';
const mcm = mcmObject();
const east = managedCluster('east', [KERNEL]);
const build = { dockerfileConfigMap: { name: 'dockerfile' } };
const sign = { keySecret: { name: 'key' }, certSecret: { name: 'cert' } };
const mapping = { regexp: '^6', containerImage: 'registry.test/kmod:1' };
const onlyKernel = (plans: ReturnType<typeof planClusters>) => plans[0]?.kernels[0];

describe('before anything is applied it tells what a kernel needs', () => {
  it.each([
    ['build and sign', { ...mapping, build, sign }, ['build', 'sign', 'pin']],
    ['build', { ...mapping, build }, ['build', 'pin']],
    ['sign', { ...mapping, sign: { ...sign, unsignedImage: 'registry.test/kmod:0' } }, ['sign', 'pin']],
    ['a look at the registry', mapping, ['look up', 'pin']],
  ])('%s', (_name, one, steps) => {
    const [plan] = planClusters(mcmWith(one), fleetOf({ clusters: [east] }));

    expect(plan).toMatchObject({ cluster: 'east', action: 'none' });
    expect(plan?.kernels).toMatchObject([
      { kernel: KERNEL, image: 'registry.test/kmod:1', steps, state: 'Progressing', reason: 'ImageWanted' },
    ]);
  });

  it.each([
    ['no mapping', managedCluster('east', ['5.14.0-1']), '5.14.0-1', 'KernelNotMapped'],
    ['no claim', managedCluster('east', undefined), '', 'ClaimMissing'],
    ['an empty claim', managedCluster('east', []), '', 'ClaimEmpty'],
  ])('%s, with the next step', (_name, cluster, kernel, reason) => {
    const [plan] = planClusters(mcm, fleetOf({ clusters: [cluster] }));

    expect(plan?.kernels).toMatchObject([{ kernel, image: '', steps: [], state: 'Waiting', reason }]);
    expect(plan?.kernels[0]?.message).toMatch(/^\S+: .+\. (Add|Check) /);
  });
});

describe('an image that is there already', () => {
  const images = imagesFor(mcm, [east], { [KERNEL]: ready('a') });

  it('is pinned at once', () => {
    const [plan] = planClusters(mcm, fleetOf({ clusters: [east], images }));

    expect(plan).toMatchObject({ action: 'create' });
    expect(plan?.kernels).toMatchObject([
      { steps: ['pin'], state: 'Ready', image: `registry.test/kmod@${digestOf('a')}` },
    ]);
  });

  it('is kept where it is pinned', () => {
    const works = worksFor(mcm, [east], { [KERNEL]: ready('a') });
    const [plan] = planClusters(mcm, fleetOf({ clusters: [east], images, works }));

    expect(plan).toMatchObject({ action: 'none', kernels: [{ steps: ['keep'], state: 'Ready' }] });
  });

  it('is pinned anew where another is', () => {
    const works = worksFor(mcm, [east], { [KERNEL]: ready('b') });
    const [plan] = planClusters(mcm, fleetOf({ clusters: [east], images, works }));

    expect(plan).toMatchObject({ action: 'update', kernels: [{ steps: ['pin'], state: 'Ready' }] });
  });

  it('counts for every module when nobody makes it, as on the hub', () => {
    const shared = imagesFor(mcmWith(mapping), [east], { [KERNEL]: ready('a') });
    const other = { ...mcmWith(mapping), metadata: { name: 'other' } };

    expect(onlyKernel(planClusters(other, fleetOf({ clusters: [east], images: shared })))?.state).toBe(
      'Ready',
    );
  });
});

it('leaves a Module in its namespace, and says that moving it would unload it', () => {
  const works = worksFor(mcm, [east], { [KERNEL]: ready('a') });
  const images = imagesFor(mcm, [east], { [KERNEL]: ready('a') });
  const moved = mcmObject({ spokeNamespace: 'kmm-typo' });
  const [plan] = planClusters(moved, fleetOf({ clusters: [east], images, works }));

  expect(plan).toMatchObject({
    action: 'none',
    kernels: [
      { kernel: '', state: 'Waiting', reason: 'SpokeNamespaceChanged' },
      { kernel: KERNEL, steps: ['keep'], state: 'Ready' },
    ],
  });
  expect(plan?.kernels[0]?.message).toMatch(
    /^spec\.spokeNamespace: .*openshift-kmm.*kmm-typo.*unload.* Put /,
  );
});

it('has no steps for what failed, only the reason', () => {
  const failed = { state: 'Failed', reason: 'BuildFailed', message: 'make: *** [all] Error 2' } as const;
  const images = imagesFor(mcm, [east], { [KERNEL]: failed });

  expect(onlyKernel(planClusters(mcm, fleetOf({ clusters: [east], images })))).toMatchObject({
    steps: [],
    state: 'Degraded',
    reason: 'BuildFailed',
  });
});

it('deletes the work of a cluster that the selector leaves, and says so until it is gone', () => {
  const works = worksFor(mcm, [east], { [KERNEL]: ready('a') });
  const unlabelled = [managedCluster('east', [KERNEL], {})];
  const leaving = works.map((work) => ({
    ...work,
    metadata: { ...work.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
  }));

  expect(planClusters(mcm, fleetOf({ clusters: unlabelled, works }))).toEqual([
    {
      cluster: 'east',
      action: 'delete',
      effects: [{ kind: 'unload', field: 'spec.selector' }],
      kernels: [],
    },
  ]);
  expect(planClusters(mcm, fleetOf({ clusters: unlabelled, works: leaving }))).toMatchObject([
    { cluster: 'east', action: 'none', kernels: [{ reason: 'WaitingForSpoke' }] },
  ]);
});

it('names only clusters that the module touches, sorted', () => {
  const clusters = [managedCluster('west', [KERNEL]), managedCluster('lone', [KERNEL], {}), east];

  expect(planClusters(mcm, fleetOf({ clusters })).map(({ cluster }) => cluster)).toEqual(['east', 'west']);
});

describe('as text', () => {
  const selector = { site: 'edge' };
  const render = (clusters: ReturnType<typeof planClusters>, rest = {}) =>
    renderPlan({ module: 'kmod', selector, warnings: [], missing: [], clusters, ...rest }, plain);

  it('is a row per cluster and kernel, what needs a person, and a sum that counts an image once', () => {
    const clusters = [managedCluster('west', [KERNEL]), managedCluster('east', ['5.14.0-1', KERNEL])];

    expect(render(planClusters(mcm, fleetOf({ clusters })))).toBe(`kmod
CLUSTER   WORK    KERNEL     STEPS              STATE             IMAGE
east      later   5.14.0-1                      KernelNotMapped
                  6.1.0-1    build, sign, pin   ImageWanted       registry.test/kmod:6.1.0-1
west      later   6.1.0-1    build, sign, pin   ImageWanted       registry.test/kmod:6.1.0-1

east 5.14.0-1: KernelNotMapped: spec.moduleSpec.moduleLoader.container.kernelMappings: No kernel mapping matches kernel 5.14.0-1. Add a literal or a regexp for it.

Works written at once: none. Images: build and sign 1.`);
  });

  it('tells first what nodes lose, summed over clusters', () => {
    const clusters = [managedCluster('west', [KERNEL]), east];
    const nodes = { 'moduleLoader.desiredNumber': 3, 'moduleLoader.availableNumber': 2 };
    const works = worksFor(mcm, clusters, { [KERNEL]: ready('a') }, reported(nodes));
    const images = imagesFor(mcm, clusters, { [KERNEL]: ready('a') });
    const moduleSpec = {
      ...(mcm['spec'] as { moduleSpec: object }).moduleSpec,
      selector: { accelerator: 'yse' },
    };
    const typo = mcmObject({ moduleSpec });

    expect(render(planClusters(typo, fleetOf({ clusters, works, images })))).toContain(
      `kmod
unloads  spec.moduleSpec.selector changes: the module leaves the nodes that no longer match (now loaded on 4 nodes of 2 clusters).
CLUSTER   WORK     KERNEL    STEPS   STATE   IMAGE
east      update   6.1.0-1   keep    Ready`,
    );
  });

  it('says how to select a cluster when none is', () => {
    expect(render([])).toContain('No ManagedCluster has site=edge. Label one: kubectl label managedcluster');
    expect(render([], { selector: {} })).toContain('No ManagedCluster is on this hub. Let one join');
  });

  it('tells the warnings of the file', () => {
    expect(render([], { warnings: ['spec.x: odd. Look.'] })).toContain('warning  spec.x: odd. Look.');
  });
});
