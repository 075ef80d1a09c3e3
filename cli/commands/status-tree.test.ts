import type { ManifestWork, ModuleImage } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import { describe, expect, it } from 'vitest';
import type { ClusterFacts } from './kernel-status.ts';
import { describeTree, moduleTree } from './status-tree.ts';

const KERNEL = '6.1.0-1';
const mcm = (waiting: object[] = []): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ManagedClusterModule',
  metadata: { name: 'kmod' },
  status: {
    summary: 'a summary',
    waiting,
    conditions: [{ type: 'Ready', status: 'False', reason: 'NodesLoading' }],
  },
});
const work = (cluster: string, module = 'kmod') =>
  ({
    metadata: {
      name: 'kmod',
      namespace: cluster,
      labels: { 'kmm.node.kubernetes.io/managedclustermodule.name': module },
    },
    spec: {
      workload: {
        manifests: [
          {
            spec: {
              selector: { worker: 'yes' },
              moduleLoader: {
                container: { kernelMappings: [{ literal: KERNEL, containerImage: 'r/kmod@sha256:1' }] },
              },
            },
          },
        ],
      },
    },
    status: {
      resourceStatus: {
        manifests: [
          {
            statusFeedback: {
              values: [
                { name: 'moduleLoader.desiredNumber', fieldValue: { type: 'Integer', integer: 2 } },
                { name: 'moduleLoader.availableNumber', fieldValue: { type: 'Integer', integer: 1 } },
              ],
            },
          },
        ],
      },
    },
  }) as unknown as ManifestWork;
const node = (name: string, kernelVersion = KERNEL): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { worker: 'yes' } },
  status: { nodeInfo: { kernelVersion } },
});
const pod = (nodeName: string, status: object): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `pod-${nodeName}`, labels: { 'kmm.node.kubernetes.io/kernel-version.full': KERNEL } },
  spec: { nodeName },
  status,
});
const refused = {
  containerStatuses: [
    {
      state: { waiting: { reason: 'PostStartHookError' } },
      lastState: { terminated: { message: 'modprobe: Key was rejected by service\n' } },
    },
  ],
};
const facts: ClusterFacts = {
  nodes: [node('b'), node('a'), node('c', '6.6.0'), node('d')],
  pods: [pod('a', { conditions: [{ type: 'Ready', status: 'True' }] }), pod('b', refused)],
};
const tree = (input: Partial<Parameters<typeof moduleTree>[0]> = {}) =>
  moduleTree({
    mcm: mcm(),
    works: [work('east'), work('west', 'other')],
    images: [],
    facts: new Map(),
    ...input,
  });

describe('the tree of a module', () => {
  it('goes from module to cluster, kernel and node, with the reason of each', () => {
    const waiting = [
      { cluster: 'east', reason: 'KernelNotMapped', kernel: '6.6.0', message: 'No mapping matches.' },
    ];

    expect(describeTree(tree({ mcm: mcm(waiting), facts: new Map([['east', facts]]) }))).toBe(
      [
        'kmod  NodesLoading  a summary',
        '└─ east  KernelNotMapped  1 of 2 nodes. No mapping matches.',
        '   ├─ 6.1.0-1  r/kmod@sha256:1',
        '   │  ├─ a  Ready  The module is loaded.',
        '   │  ├─ b  PostStartHookError  modprobe: Key was rejected by service',
        '   │  └─ d  NoLoader',
        '   └─ 6.6.0  no mapping',
        '      └─ c  KernelNotMapped  No mapping serves this kernel.',
      ].join('\n'),
    );
  });

  it('counts nodes where a cluster cannot be asked', () => {
    expect(describeTree(tree())).toBe(
      [
        'kmod  NodesLoading  a summary',
        '└─ east  Ready  1 of 2 nodes.',
        '   └─ 6.1.0-1  r/kmod@sha256:1',
      ].join('\n'),
    );
  });

  it('shows clusters that wait for their first work, and for which image', () => {
    const waiting = [{ cluster: 'edge', reason: 'ImageBuilding', kernel: KERNEL, message: 'Not ready.' }];
    const image = {
      spec: { image: 'r/kmod:1', kernelVersion: KERNEL, module: { name: 'kmod', namespace: 'ns' } },
      status: { state: 'Building' },
    } as ModuleImage;

    const { clusters } = tree({ mcm: mcm(waiting), works: [], images: [image] });

    expect(clusters).toEqual([
      {
        cluster: 'edge',
        state: 'ImageBuilding',
        message: expect.stringMatching(/^Not ready\. \[kmod-.*\]$/),
        nodes: { desired: 0, available: 0 },
        kernels: [],
      },
    ]);
  });

  it('is one line where no cluster is selected', () => {
    expect(describeTree(tree({ works: [] }))).toBe('kmod  NodesLoading  a summary');
  });
});
