import { checkManagedClusterModule } from '@kmm-fleet/api';
import { describe, expect, it } from 'vitest';
import { mcmObject } from '../testing/fixtures.ts';
import type { ItemState } from '../works/item-status.ts';
import { mcmStatus } from './mcm-status.ts';
import { createTally } from './tally.ts';

const NOW = '2026-01-01T00:00:00.000Z';
const valid = checkManagedClusterModule(mcmObject());
const item = (
  state: ItemState['state'],
  reason: string,
  selected = reason === 'NoNodeSelected' ? 0 : 3,
): ItemState => ({
  state,
  reason,
  message: `${reason} it is.`,
  nodes: {
    selected,
    desired: Math.max(selected - 1, 0),
    available: state === 'Ready' ? Math.max(selected - 1, 0) : 0,
  },
  work: { exists: true, isApplied: state === 'Ready', isDegraded: false },
});

function statusOf(items: Record<string, ItemState>, checked = valid) {
  const tally = createTally();
  for (const [cluster, state] of Object.entries(items)) tally.set(cluster, state);
  return mcmStatus(checked, tally, 1, undefined, NOW);
}
const condition = (status: ReturnType<typeof mcmStatus>, type: string) =>
  status.conditions?.find((one) => one.type === type);

it('counts clusters, nodes and works', () => {
  const status = statusOf({
    a: item('Ready', 'Loaded'),
    b: item('Waiting', 'ClaimMissing'),
    c: item('Progressing', 'ImageBuilding'),
  });

  expect(status.clusters).toEqual({ selected: 3, ready: 1, progressing: 1, waiting: 1, degraded: 0 });
  expect(status).toMatchObject({
    numberDesired: 3,
    numberApplied: 1,
    numberDegraded: 0,
    nodes: { selected: 9, desired: 6, available: 2 },
  });
  expect(status.waiting?.map(({ cluster, reason }) => [cluster, reason])).toEqual([
    ['b', 'ClaimMissing'],
    ['c', 'ImageBuilding'],
  ]);
});

it.each([
  ['nothing is selected', {}, 'Ready', 'False', 'NoClusterSelected'],
  ['all are ready', { a: item('Ready', 'Loaded') }, 'Ready', 'True', 'AllClustersReady'],
  [
    'no node of any cluster is selected',
    { a: item('Ready', 'NoNodeSelected'), b: item('Ready', 'NoNodeSelected') },
    'Ready',
    'False',
    'NoNodeSelected',
  ],
  [
    'all nodes that are selected are ready',
    { a: item('Ready', 'Loaded'), b: item('Ready', 'NoNodeSelected') },
    'Ready',
    'True',
    'AllClustersReady',
  ],
  [
    'a cluster waits beside one without such nodes',
    { a: item('Ready', 'NoNodeSelected'), b: item('Progressing', 'NodesLoading') },
    'Ready',
    'False',
    'NodesLoading',
  ],
  [
    'no node is selected, whatever one cluster waits for',
    { a: item('Ready', 'NoNodeSelected'), b: item('Waiting', 'KernelNotMapped', 0) },
    'Ready',
    'False',
    'NoNodeSelected',
  ],
  [
    'a cluster has not reported yet, and others have no such node',
    { a: item('Ready', 'NoNodeSelected'), b: item('Progressing', 'WaitingForStatus', 0) },
    'Ready',
    'False',
    'WaitingForStatus',
  ],
  [
    'a cluster fails, and no node is selected',
    { a: item('Ready', 'NoNodeSelected'), b: item('Degraded', 'WorkNotApplied', 0) },
    'Ready',
    'False',
    'WorkNotApplied',
  ],
  [
    'one waits',
    { a: item('Ready', 'Loaded'), b: item('Waiting', 'ClaimMissing') },
    'Ready',
    'False',
    'ClaimMissing',
  ],
  [
    'one fails',
    { a: item('Waiting', 'ClaimMissing'), b: item('Degraded', 'BuildFailed') },
    'Degraded',
    'True',
    'BuildFailed',
  ],
  ['one moves', { a: item('Progressing', 'ImageBuilding') }, 'Progressing', 'True', 'ClustersChanging'],
])('says in its conditions that %s', (_name, items, type, status, reason) => {
  expect(condition(statusOf(items as Record<string, ItemState>), type)).toMatchObject({
    status,
    reason,
    observedGeneration: 1,
  });
});

it.each<[string, string, ItemState['state'], number]>([
  ['that no cluster has told yet', 'clusters: 1 degraded; nodes: not reported', 'Degraded', 0],
  ['that some have told', 'clusters: 1 degraded; nodes: 0 of 3 loaded', 'Degraded', 3],
  ['of a cluster where none is selected', 'clusters: 1 ready; nodes: 0 of 0 loaded', 'Ready', 0],
])('sums up nodes %s', (_name, summary, state, selected) => {
  const nodes = { selected, desired: selected, available: 0 };

  expect(statusOf({ a: { ...item(state, 'WorkNotApplied'), nodes } }).summary).toBe(summary);
});

describe('where no node is selected, its message names', () => {
  const messageOf = (moduleSpec: object, items: Record<string, ItemState>) => {
    const checked = checkManagedClusterModule(mcmObject({ moduleSpec }));
    return condition(statusOf(items, checked), 'Ready')?.message;
  };
  const loader = (mcmObject()['spec'] as { moduleSpec: object }).moduleSpec;
  const none = { a: item('Ready', 'NoNodeSelected'), b: item('Ready', 'NoNodeSelected') };

  it('the field and how to label a node', () => {
    expect(messageOf(loader, none)).toBe(
      'spec.moduleSpec.selector: No cluster reports a node with accelerator=yes whose taints are tolerated. Mend the selector, or on a cluster: kubectl label node NODE accelerator=yes',
    );
  });

  it('the taints where every node is selected', () => {
    expect(messageOf({ ...loader, selector: {} }, none)).toBe(
      'spec.moduleSpec.tolerations: No cluster reports a node whose taints are tolerated. Tolerate them.',
    );
  });

  it('how many clusters those are, where others have such nodes', () => {
    expect(messageOf(loader, { a: item('Ready', 'Loaded'), b: item('Ready', 'NoNodeSelected') })).toBe(
      'The module is on 2 nodes of 2 clusters; 1 cluster has no node that spec.moduleSpec.selector matches.',
    );
  });
});

it('names object, field and next step of an invalid module', () => {
  const status = statusOf({}, checkManagedClusterModule(mcmObject({ selektor: {} })));

  expect(condition(status, 'Ready')).toMatchObject({ status: 'False', reason: 'UnknownField' });
  expect(condition(status, 'Ready')?.message).toContain('spec.selektor');
});

it('is the same object when it says the same, so that nothing is written', () => {
  const tally = createTally();
  tally.set('a', item('Ready', 'Loaded'));
  const first = mcmStatus(valid, tally, 1, undefined, NOW);

  expect(mcmStatus(valid, tally, 1, structuredClone(first), '2027-01-01T00:00:00Z')).toEqual(first);
  expect(mcmStatus(valid, tally, 1, first, '2027-01-01T00:00:00Z')).toBe(first);
});
