import { describe, expect, it } from 'vitest';
import type { DaemonPod, DaemonSet } from './daemon-set.ts';
import { planBinding, planOrphans } from './plan-binding.ts';
import { planDaemonSet } from './plan-daemon-set.ts';
import { matchesNode, type NodeView, type Taint } from './scheduling.ts';

const set: DaemonSet = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'loader', namespace: 'kmm', uid: 'set' },
  spec: { selector: {}, template: { spec: { nodeSelector: { wanted: 'true' } } } },
};

const makeNode = (name: string, taints: Taint[] = []): NodeView => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { wanted: 'true' } },
  spec: { taints },
});

describe('binding', () => {
  const pod = (spec: object, name = 'p'): DaemonPod => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'kmm' },
    spec: spec as DaemonPod['spec'],
  });

  it('goes to the node that a daemon is pinned to', () => {
    const [created] = planDaemonSet({ set, nodes: [makeNode('b')], pods: [] }).create;
    const nodes = [makeNode('a'), makeNode('b')];
    expect(planBinding(created as DaemonPod, nodes, new Map([['b', 5]]))).toBe('b');
  });

  it('goes to the emptiest node that fits, and nowhere when none does or it has been', () => {
    const nodes = [makeNode('a'), makeNode('b'), makeNode('c', [{ key: 'dedicated', effect: 'NoSchedule' }])];
    expect(planBinding(pod({}), nodes, new Map([['a', 1]]))).toBe('b');
    expect(planBinding(pod({}), nodes, new Map())).toBe('a');
    expect(planBinding(pod({ nodeSelector: { wanted: 'no' } }), nodes, new Map())).toBeUndefined();
    expect(planBinding(pod({ nodeName: 'a' }), nodes, new Map())).toBeUndefined();
  });

  it('finds pods whose node is gone', () => {
    const pods = [pod({ nodeName: 'a' }, 'here'), pod({ nodeName: 'gone' }, 'lost'), pod({})];
    expect(planOrphans(pods, [makeNode('a')]).map(({ metadata }) => metadata.name)).toEqual(['lost']);
  });
});

describe('node affinity', () => {
  const node: NodeView = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'a', labels: { zone: 'x', cores: '8' } },
  };
  const matches = (...terms: object[]) => {
    const required = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } };
    return matchesNode({ affinity: { nodeAffinity: required } }, node);
  };
  const expression = (key: string, operator: string, ...values: string[]) => ({
    matchExpressions: [{ key, operator, values }],
  });

  it.each([
    { term: expression('zone', 'In', 'x', 'y'), fits: true },
    { term: expression('zone', 'NotIn', 'x'), fits: false },
    { term: expression('none', 'NotIn', 'x'), fits: true },
    { term: expression('zone', 'Exists'), fits: true },
    { term: expression('zone', 'DoesNotExist'), fits: false },
    { term: expression('cores', 'Gt', '4'), fits: true },
    { term: expression('cores', 'Lt', '4'), fits: false },
    { term: expression('none', 'Gt', '4'), fits: false },
    { term: expression('zone', 'Like', 'x'), fits: false },
    { term: {}, fits: false },
  ])('$term.matchExpressions: $fits', ({ term, fits }) => {
    expect(matches(term)).toBe(fits);
  });

  it('takes terms as alternatives, and none as no node', () => {
    expect(matches(expression('zone', 'In', 'y'), expression('zone', 'In', 'x'))).toBe(true);
    expect(matches()).toBe(false);
  });
});
