import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type DaemonPod,
  type DaemonSet,
  isReady,
  nodeOf,
  REVISION_LABEL,
  templateHash,
} from './daemon-set.ts';
import { daemonSetStatus } from './daemon-set-status.ts';
import { type DaemonInput, maxUnavailable, planDaemonSet } from './plan-daemon-set.ts';
import type { NodeView, Taint } from './scheduling.ts';

const makeSet = (image = 'image:1', rest: object = {}): DaemonSet => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'loader', namespace: 'kmm', uid: 'set', generation: 3 },
  spec: {
    selector: { matchLabels: { app: 'loader' } },
    template: {
      metadata: { labels: { app: 'loader' } },
      spec: { nodeSelector: { wanted: 'true' }, containers: [{ name: 'c', image }] },
    },
    ...rest,
  },
});

const makeNode = (name: string, options: { wanted?: boolean; taints?: Taint[] } = {}): NodeView => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { wanted: String(options.wanted ?? true) } },
  spec: { taints: options.taints ?? [] },
});

const makePod = (
  name: string,
  node: string,
  options: {
    set?: DaemonSet;
    ready?: boolean;
    terminating?: boolean;
    failed?: boolean;
    created?: string;
  } = {},
): DaemonPod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'kmm',
    labels: { [REVISION_LABEL]: templateHash(options.set ?? makeSet()) },
    creationTimestamp: options.created ?? '2027-01-01T00:00:00Z',
    ...(options.terminating && { deletionTimestamp: '2027-01-01T00:00:00Z' }),
  },
  spec: { nodeName: node },
  status: {
    phase: options.failed ? 'Failed' : 'Running',
    conditions: [{ type: 'Ready', status: (options.ready ?? true) ? 'True' : 'False' }],
  },
});

const createdOn = (input: DaemonInput) => planDaemonSet(input).create.map((pod) => nodeOf(pod as DaemonPod));

const taint = (effect: string): Taint => ({ key: 'dedicated', value: 'x', effect });

describe('one pod for each node that fits', () => {
  it('is created where none is, named by the server and pinned to its node', () => {
    const set = makeSet();
    const { create, remove } = planDaemonSet({ set, nodes: [makeNode('b'), makeNode('a')], pods: [] });
    expect(remove).toEqual([]);
    expect(create.map((pod) => nodeOf(pod as DaemonPod))).toEqual(['a', 'b']);
    expect(create[0]?.metadata).toEqual({
      name: '',
      generateName: 'loader-',
      namespace: 'kmm',
      labels: { app: 'loader', [REVISION_LABEL]: templateHash(set), 'pod-template-generation': '3' },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'DaemonSet',
          name: 'loader',
          uid: 'set',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    });
  });

  it.each<{ name: string; node: NodeView; there?: DaemonPod[]; create: number; remove: string[] }>([
    {
      name: 'not on a node without the label',
      node: makeNode('a', { wanted: false }),
      create: 0,
      remove: [],
    },
    {
      name: 'no longer on a node that lost the label',
      node: makeNode('a', { wanted: false }),
      there: [makePod('p', 'a')],
      create: 0,
      remove: ['p'],
    },
    {
      name: 'not on a node that repels it',
      node: makeNode('a', { taints: [taint('NoSchedule')] }),
      create: 0,
      remove: [],
    },
    {
      name: 'still on a node that repels new pods',
      node: makeNode('a', { taints: [taint('NoSchedule')] }),
      there: [makePod('p', 'a')],
      create: 0,
      remove: [],
    },
    {
      name: 'no longer on a node that evicts it',
      node: makeNode('a', { taints: [taint('NoExecute')] }),
      there: [makePod('p', 'a')],
      create: 0,
      remove: ['p'],
    },
    {
      name: 'on a cordoned node: a daemon belongs to it',
      node: makeNode('a', { taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] }),
      create: 1,
      remove: [],
    },
    {
      name: 'not before the one that leaves is gone',
      node: makeNode('a'),
      there: [makePod('p', 'a', { terminating: true })],
      create: 0,
      remove: [],
    },
    {
      name: 'in place of one that failed, when that is gone',
      node: makeNode('a'),
      there: [makePod('p', 'a', { failed: true, ready: false })],
      create: 0,
      remove: ['p'],
    },
    {
      name: 'the oldest of several',
      node: makeNode('a'),
      there: [makePod('young', 'a', { created: '2027-01-02T00:00:00Z' }), makePod('old', 'a')],
      create: 0,
      remove: ['young'],
    },
  ])('$name', ({ node, there = [], create, remove }) => {
    const plan = planDaemonSet({ set: makeSet(), nodes: [node], pods: there });
    expect({ create: plan.create.length, remove: plan.remove }).toEqual({ create, remove });
  });
});

describe('a changed template', () => {
  const old = makeSet();
  const set = makeSet('image:2');
  const nodes = ['a', 'b', 'c'].map((name) => makeNode(name));
  const pods = ['a', 'b', 'c'].map((name) => makePod(`old-${name}`, name, { set: old }));

  it('replaces one pod at a time', () => {
    expect(planDaemonSet({ set, nodes, pods }).remove).toEqual(['old-a']);
  });

  it('waits for the pod that was replaced', () => {
    const leaving = [makePod('old-a', 'a', { set: old, terminating: true }), ...pods.slice(1)];
    expect(planDaemonSet({ set, nodes, pods: leaving }).remove).toEqual([]);
    const fresh = [makePod('new-a', 'a', { set, ready: false }), ...pods.slice(1)];
    expect(planDaemonSet({ set, nodes, pods: fresh }).remove).toEqual([]);
    const done = [makePod('new-a', 'a', { set }), ...pods.slice(1)];
    expect(planDaemonSet({ set, nodes, pods: done }).remove).toEqual(['old-b']);
  });

  it('replaces pods that serve nobody at once', () => {
    const broken = pods.map((pod, index) =>
      index === 0 ? pod : makePod(pod.metadata.name, nodeOf(pod) ?? '', { set: old, ready: false }),
    );
    expect(planDaemonSet({ set, nodes, pods: broken }).remove).toEqual(['old-b', 'old-c']);
  });

  it('replaces nothing by itself under OnDelete', () => {
    const kept = makeSet('image:2', { updateStrategy: { type: 'OnDelete' } });
    expect(planDaemonSet({ set: kept, nodes, pods }).remove).toEqual([]);
  });

  it.each([
    { value: 2, nodes: 10, count: 2 },
    { value: '25%', nodes: 10, count: 3 },
    { value: '1%', nodes: 0, count: 1 },
    { value: 0, nodes: 10, count: 1 },
  ])('lets $value of $nodes nodes be without: $count', ({ value, nodes: total, count }) => {
    const strategy = { updateStrategy: { rollingUpdate: { maxUnavailable: value } } };
    expect(maxUnavailable(makeSet('i', strategy), total)).toBe(count);
  });
});

interface World {
  readonly set: DaemonSet;
  nodes: NodeView[];
  pods: DaemonPod[];
}

/** Any state that a cluster can be in: nodes with and without pods, old, new, broken, leaving. */
const anyWorld: fc.Arbitrary<World> = fc
  .array(
    fc.record({
      wanted: fc.boolean(),
      effects: fc.subarray(['NoSchedule', 'NoExecute']),
      pods: fc.array(
        fc.record({
          isOld: fc.boolean(),
          ready: fc.boolean(),
          terminating: fc.boolean(),
          failed: fc.boolean(),
        }),
        { maxLength: 3 },
      ),
    }),
    { maxLength: 6 },
  )
  .map((shapes) => {
    const set = makeSet('image:2');
    const nodes = shapes.map(({ wanted, effects }, index) =>
      makeNode(`n${index}`, { wanted, taints: effects.map(taint) }),
    );
    const pods = shapes.flatMap((shape, index) =>
      shape.pods.map(({ isOld, ready, failed, terminating }, place) =>
        makePod(`p${index}-${place}`, `n${index}`, {
          set: isOld ? makeSet() : set,
          ready: ready && !failed,
          failed,
          terminating,
        }),
      ),
    );
    return { set, nodes, pods };
  });

describe('laws', () => {
  it('never two pods on a node, never a pod where none may start', () => {
    fc.assert(
      fc.property(anyWorld, (world) => {
        const nodes = createdOn(world);
        expect(new Set(nodes).size).toBe(nodes.length);
        for (const name of nodes) {
          expect(world.pods.filter((pod) => nodeOf(pod) === name)).toEqual([]);
          const node = world.nodes.find(({ metadata }) => metadata.name === name);
          expect(node?.metadata.labels?.['wanted']).toBe('true');
          expect(node?.spec?.taints).toEqual([]);
        }
      }),
    );
  });

  it('a rolling update takes no more ready pods than it may', () => {
    fc.assert(
      fc.property(anyWorld, ({ set, nodes, pods }) => {
        const healthy = nodes.filter(
          ({ metadata, spec }) => metadata.labels?.['wanted'] === 'true' && spec?.taints?.length === 0,
        );
        const names = new Set(healthy.map(({ metadata }) => metadata.name));
        const removed = new Set(planDaemonSet({ set, nodes, pods }).remove);
        const serves = (name: string, without: ReadonlySet<string>) =>
          pods.some(
            (pod) =>
              nodeOf(pod) === name &&
              isReady(pod) &&
              !pod.metadata.deletionTimestamp &&
              !without.has(pod.metadata.name),
          );
        const lost = [...names].filter((name) => serves(name, new Set()) && !serves(name, removed));
        const surplusOnly = lost.filter((name) => pods.filter((pod) => nodeOf(pod) === name).length > 1);
        expect(lost.length - surplusOnly.length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('does the same whatever the order of what it sees', () => {
    fc.assert(
      fc.property(anyWorld, (world) => {
        const reversed = {
          ...world,
          nodes: [...world.nodes].reverse(),
          pods: [...world.pods].reverse(),
        };
        expect(planDaemonSet(reversed)).toEqual(planDaemonSet(world));
        expect(daemonSetStatus(reversed)).toEqual(daemonSetStatus(world));
      }),
    );
  });

  it('ends with one ready pod of the new template on each node that fits, and plans nothing more', () => {
    fc.assert(
      fc.property(anyWorld, (world) => {
        let { pods } = world;
        let made = 0;
        for (let pass = 0; pass < 30; pass++) {
          const plan = planDaemonSet({ ...world, pods });
          const isLeaving = (pod: DaemonPod) =>
            plan.remove.includes(pod.metadata.name) || pod.metadata.deletionTimestamp !== undefined;
          const added = plan.create.map((pod) =>
            makePod(`new-${made++}`, nodeOf(pod as DaemonPod) ?? '', { set: world.set }),
          );
          // Those that stay become ready in time.
          const kept = pods
            .filter((pod) => !isLeaving(pod))
            .map((pod) =>
              pod.status?.phase === 'Failed'
                ? pod
                : { ...pod, status: { conditions: [{ type: 'Ready', status: 'True' }] } },
            );
          pods = [...kept, ...added];
        }
        expect(planDaemonSet({ ...world, pods })).toEqual({ create: [], remove: [] });
        const fitting = world.nodes.filter(
          ({ metadata, spec }) => metadata.labels?.['wanted'] === 'true' && spec?.taints?.length === 0,
        );
        expect(daemonSetStatus({ ...world, pods })).toMatchObject({
          desiredNumberScheduled: fitting.length,
          numberReady: fitting.length,
        });
      }),
    );
  });
});

describe('status', () => {
  it('counts nodes, and leaves out what Kubernetes leaves out', () => {
    const set = makeSet();
    const nodes = ['a', 'b', 'c'].map((name) => makeNode(name, { wanted: name !== 'c' }));
    const pods = [makePod('pa', 'a'), makePod('pb', 'b', { ready: false }), makePod('pc', 'c')];
    expect(daemonSetStatus({ set, nodes, pods })).toEqual({
      desiredNumberScheduled: 2,
      currentNumberScheduled: 2,
      numberReady: 1,
      numberAvailable: 1,
      numberUnavailable: 1,
      updatedNumberScheduled: 2,
      numberMisscheduled: 1,
      observedGeneration: 3,
    });
    expect(daemonSetStatus({ set, nodes: [], pods: [] })).toEqual({
      desiredNumberScheduled: 0,
      currentNumberScheduled: 0,
      numberReady: 0,
      numberMisscheduled: 0,
      observedGeneration: 3,
    });
  });
});
