import { LABELS } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import { describe, expect, it } from 'vitest';
import { mcmObject } from '../../hub/testing/fixtures.ts';
import { plain } from '../output/terminal.ts';
import {
  fleetOf,
  imagesFor,
  managedCluster,
  mcmWith,
  nodeOf,
  ready,
  reported,
  worksFor,
} from '../testing/fixtures.ts';
import { renderTrees } from './render-tree.ts';
import { moduleNames, moduleTree, type SpokeAnswer } from './status-tree.ts';

const [KERNEL, OTHER] = ['6.1.0-1', '5.14.0-1'];
const east = managedCluster('east', [KERNEL]);
const summary = 'clusters: 1 ready; nodes: 2 of 2 loaded';
const condition = {
  type: 'Ready',
  status: 'True',
  reason: 'AllClustersReady',
  message: 'All.',
  lastTransitionTime: '2026-01-01T00:00:00Z',
};
const counted = { selected: 1, ready: 1, progressing: 0, waiting: 0, degraded: 0 };
const mcm: KubeObject = {
  ...mcmObject(),
  status: { observedGeneration: 1, summary, clusters: counted, conditions: [condition] },
};
const elsewhere: SpokeAnswer = { notAsked: 'its nodes are asked in a lab only' };
const all = { 'moduleLoader.desiredNumber': 2, 'moduleLoader.availableNumber': 2 };

function podOf(
  node: string,
  labels: Record<string, string> = {},
  status: object = {},
  rest: object = {},
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `loader-${node}`,
      namespace: 'openshift-kmm',
      labels: { [LABELS.moduleName]: 'kmod', [LABELS.kernelVersion]: KERNEL, ...labels },
      ...rest,
    },
    spec: { nodeName: node },
    status: { conditions: [{ type: 'Ready', status: 'True' }], ...status },
  };
}

const text = (tree: ReturnType<typeof moduleTree>) => renderTrees([tree], plain).split('\n');
const treeOf = (fleet: ReturnType<typeof fleetOf>, answer: SpokeAnswer = elsewhere, object = mcm) =>
  moduleTree('kmod', object, fleet, () => answer);
/** East with its kernel pinned to digest a. */
const pinned = (status = reported(all), clusters = [east]) =>
  fleetOf({
    clusters,
    images: imagesFor(mcm, clusters, { [KERNEL]: ready('a') }),
    works: worksFor(mcm, clusters, { [KERNEL]: ready('a') }, status),
  });

it('goes from module to cluster to kernel to node, each with its reason', () => {
  const fleet = pinned(reported({ ...all, 'moduleLoader.availableNumber': 1 }), [
    managedCluster('east', [KERNEL, OTHER]),
  ]);
  const crashed = {
    conditions: [],
    containerStatuses: [
      {
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: { terminated: { message: 'modprobe: no\nsuch\n' } },
      },
    ],
  };
  const nodes = [
    nodeOf('c', OTHER),
    nodeOf('b', KERNEL),
    nodeOf('a', KERNEL),
    nodeOf('other', KERNEL, { accelerator: 'no' }),
  ];

  expect(text(treeOf(fleet, { nodes, pods: [podOf('a'), podOf('b', {}, crashed)] }))).toEqual([
    `kmod  Ready  ${summary}`,
    '└─ east  KernelNotMapped',
    `   ├─ ${OTHER}  KernelNotMapped  spec.moduleSpec.moduleLoader.container.kernelMappings: No kernel mapping matches kernel ${OTHER}. Add a literal or a regexp for it.`,
    '   │  └─ c  KernelNotMapped  No mapping serves this kernel.',
    `   └─ ${KERNEL}  registry.test/kmod@sha256:aaaaaaaaaaaa…`,
    '      ├─ a  Ready  The module is loaded.',
    '      └─ b  CrashLoopBackOff  modprobe: no | such. More: kubectl describe pod loader-b -n openshift-kmm',
  ]);
});

describe('a node', () => {
  const unpulled = {
    conditions: [],
    initContainerStatuses: [{ state: { waiting: { reason: 'ErrImagePull' } } }],
    containerStatuses: [{ state: { waiting: { reason: 'PodInitializing' } } }],
  };
  const stateOf = (node: KubeObject, pods: readonly KubeObject[] = []) =>
    treeOf(pinned(), { nodes: [node], pods }).clusters[0]?.kernels.flatMap(({ nodes }) => nodes)[0];
  const a = nodeOf('a', KERNEL);

  it.each([
    ['has no pod', [], 'NoPod'],
    ['has a pod of another module only', [podOf('a', { [LABELS.moduleName]: 'other' })], 'NoPod'],
    ['has a pod for another kernel only', [podOf('a', { [LABELS.kernelVersion]: OTHER })], 'NoPod'],
    [
      'has a pod that goes only',
      [podOf('a', {}, {}, { deletionTimestamp: '2026-01-01T00:00:00Z' })],
      'NoPod',
    ],
    ['has a pod that starts', [podOf('a', {}, { conditions: [] })], 'Starting'],
    ['has a pod whose first container finds no image', [podOf('a', {}, unpulled)], 'ErrImagePull'],
    ['has the module', [podOf('a')], 'Ready'],
  ])('%s', (_name, pods, state) => {
    expect(stateOf(a, pods)).toMatchObject({ node: 'a', state });
  });

  it.each([
    [
      'does not answer is not said to start anything',
      'Unknown',
      [podOf('a', {}, { conditions: [] })],
      'NodeNotReady',
    ],
    ['is not ready and has no pod', 'False', [], 'NodeNotReady'],
    ['is not ready and whose pod is', 'False', [podOf('a')], 'Ready'],
    ['is ready and whose pod starts', 'True', [podOf('a', {}, { conditions: [] })], 'Starting'],
  ])('that %s', (_name, ready, pods, state) => {
    const conditions = [{ type: 'Ready', status: ready }];
    const node = { ...a, status: { ...(a['status'] as object), conditions } };
    expect(stateOf(node, pods)).toMatchObject({ node: 'a', state });
  });

  it('whose kernel is built waits for the image, and not for a mapping', () => {
    const clusters = [managedCluster('east', [KERNEL, '6.1.0-2'])];
    const images = imagesFor(mcm, clusters, { [KERNEL]: ready('a'), '6.1.0-2': { state: 'Building' } });
    const fleet = fleetOf({ clusters, images, works: worksFor(mcm, clusters, { [KERNEL]: ready('a') }) });
    const [cluster] = treeOf(fleet, { nodes: [nodeOf('b', '6.1.0-2')], pods: [] }).clusters;

    expect(cluster?.kernels[1]?.nodes).toMatchObject([{ node: 'b', state: 'ImageBuilding' }]);
  });

  it('with a kernel that its cluster does not claim yet says so', () => {
    const [cluster] = treeOf(pinned(), { nodes: [nodeOf('b', '6.9.0-1')], pods: [] }).clusters;

    expect(cluster?.kernels[1]).toMatchObject({ kernel: '6.9.0-1', state: 'NotClaimed' });
  });
});

it('gives no advice on nodes while their cluster cannot apply the work', () => {
  const applied = { type: 'Applied', status: 'False', message: 'no rights', observedGeneration: 1 };
  const fleet = pinned({ conditions: [applied] } as ReturnType<typeof reported>);
  const lines = text(treeOf(fleet, { nodes: [nodeOf('a', KERNEL)], pods: [] }));

  expect(lines.slice(1)).toEqual([
    '└─ east  WorkNotApplied  The cluster cannot apply the Module: no rights',
    `   └─ ${KERNEL}  registry.test/kmod@sha256:aaaaaaaaaaaa…`,
    '      └─ a  WorkNotApplied',
  ]);
});

it('tells nodes without an image what holds back their cluster as a whole, and those with one that they have it', () => {
  const bad = mcmWith({ regexp: '([', containerImage: 'registry.test/kmod:1' });
  const nodes = [nodeOf('a', KERNEL), nodeOf('c', OTHER)];
  const lines = text(treeOf(pinned(), { nodes, pods: [podOf('a')] }, bad));

  expect(lines[1]).toMatch(/^└─ east {2}RegexpInvalid {2}spec\..*regexp: /);
  expect(lines.slice(2)).toEqual([
    `   ├─ ${OTHER}  RegexpInvalid`,
    '   │  └─ c  RegexpInvalid  No image of this kernel is on the cluster yet.',
    `   └─ ${KERNEL}  registry.test/kmod@sha256:aaaaaaaaaaaa…`,
    '      └─ a  Ready  The module is loaded.',
  ]);
});

describe('a cluster whose nodes cannot be asked shows what it counts, and why there is no more', () => {
  it.each([
    ['all loaded', all, '2 of 2 have the module'],
    ['zeros left out', { 'moduleLoader.desiredNumber': 2 }, '0 of 2 have the module'],
    [
      'a kernel that is not served',
      { ...all, 'moduleLoader.nodesMatchingSelectorNumber': 3 },
      '2 of 2 have the module, 1 more has a kernel without an image',
    ],
    [
      'a device plugin',
      { ...all, 'devicePlugin.desiredNumber': 2, 'devicePlugin.availableNumber': 1 },
      '2 of 2 have the module, 1 of 2 run the device plugin',
    ],
    ['nothing', {}, 'nothing reported yet'],
  ])('%s', (_name, numbers, told) => {
    expect(text(treeOf(pinned(reported(numbers))))).toContain(
      `   └─ nodes  ${told}  (counted by the cluster)`,
    );
  });

  it('in JSON too', () => {
    expect(treeOf(pinned()).clusters[0]).toMatchObject({
      reported: { moduleLoader: { matching: 0, desired: 2, available: 2 } },
      notAsked: 'its nodes are asked in a lab only',
    });
  });
});

it('knows the state of every cluster, not only of the ten examples in the status', () => {
  const clusters = Array.from({ length: 30 }, (_, index) => managedCluster(`c${index + 10}`, undefined));
  const tree = treeOf(fleetOf({ clusters }));

  expect(tree.clusters).toHaveLength(30);
  expect(tree.clusters.every(({ reason }) => reason === 'ClaimMissing')).toBe(true);
});

it('says that no node is selected', () => {
  const fleet = fleetOf({ clusters: [managedCluster('east', undefined)] });

  expect(text(treeOf(fleet, { nodes: [], pods: [] })).at(-1)).toBe(
    '   └─ nodes  None has the labels of moduleSpec.selector.',
  );
});

describe('a module', () => {
  it('that the hub has not looked at since its last change is Unknown', () => {
    const changed = { ...mcm, metadata: { ...mcm.metadata, generation: 2 } };

    expect(treeOf(pinned(), elsewhere, changed)).toMatchObject({ state: 'Unknown', reason: 'NotReported' });
    expect(treeOf(pinned(), elsewhere, mcmObject())).toMatchObject({
      state: 'Unknown',
      reason: 'NotReported',
    });
  });

  it('that no cluster has tells itself why', () => {
    const message = 'No ManagedCluster has the labels of spec.selector. Label one to start.';
    const conditions = [{ ...condition, status: 'False', reason: 'NoClusterSelected', message }];
    const object = { ...mcm, status: { observedGeneration: 1, summary: 'clusters: none', conditions } };

    expect(text(treeOf(fleetOf({ clusters: [] }), elsewhere, object))).toEqual([
      `kmod  NoClusterSelected  ${message}`,
    ]);
  });

  it('that no node has tells itself why, and so does each cluster', () => {
    const message = 'spec.moduleSpec.selector: No cluster reports a node with accelerator=yes.';
    const conditions = [{ ...condition, status: 'False', reason: 'NoNodeSelected', message }];
    const object = { ...mcm, status: { observedGeneration: 1, summary, clusters: counted, conditions } };
    const tree = treeOf(pinned(reported({ 'moduleLoader.desiredNumber': 0 })), elsewhere, object);

    expect(text(tree).slice(0, 2)).toEqual([
      `kmod  NoNodeSelected  ${message}`,
      expect.stringMatching(
        /^└─ east {2}NoNodeSelected {2}No node has the labels of spec\.moduleSpec\.selector/,
      ),
    ]);
  });

  it('that is gone stays in sight while a cluster still has it', () => {
    const fleet = pinned();

    expect(moduleNames([], fleet)).toEqual(['kmod']);
    expect(moduleTree('kmod', undefined, fleet, () => elsewhere)).toMatchObject({
      state: 'Deleting',
      clusters: [{ cluster: 'east', state: 'Deleting', reason: 'WaitingForSpoke' }],
    });
  });
});

it('says what to do when there is no module at all', () => {
  expect(moduleNames([], fleetOf({ clusters: [east] }))).toEqual([]);
  expect(renderTrees([], plain)).toBe(
    'No ManagedClusterModule is on this hub. Apply one: kubectl apply -f FILE',
  );
});
