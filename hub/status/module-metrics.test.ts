import { createMetrics } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import type { ItemState } from '../works/item-status.ts';
import { createModuleMetrics } from './module-metrics.ts';
import { createTally } from './tally.ts';

const item = (state: ItemState['state'], reason: string): ItemState => ({
  state,
  reason,
  message: '',
  nodes: { selected: 2, desired: 2, available: 1 },
  work: { exists: true, isApplied: true, isDegraded: false },
});

async function setUp() {
  const metrics = createMetrics();
  const tally = createTally();
  const series = async (name: string) =>
    (await metrics.text()).split('\n').filter((line) => line.startsWith(`${name}{`));
  return { modules: createModuleMetrics(metrics), tally, series };
}

it('tells clusters by reason and severity, and nodes as they report them', async () => {
  const { modules, tally, series } = await setUp();
  tally.set('a', item('Ready', 'Loaded'));
  tally.set('b', item('Waiting', 'KernelNotMapped'));
  modules.set('kmod', tally.counts);

  expect(await series('kmm_clusters_by_reason')).toEqual([
    'kmm_clusters_by_reason{module="kmod",reason="Loaded",severity="ok"} 1',
    'kmm_clusters_by_reason{module="kmod",reason="KernelNotMapped",severity="error"} 1',
  ]);
  expect(await series('kmm_nodes')).toContain('kmm_nodes{module="kmod",state="available"} 2');
});

it('takes back a reason that no cluster has any more', async () => {
  const { modules, tally, series } = await setUp();
  tally.set('a', item('Degraded', 'BuildFailed'));
  modules.set('kmod', tally.counts);
  tally.set('a', item('Ready', 'Loaded'));
  modules.set('kmod', tally.counts);

  expect(await series('kmm_clusters_by_reason')).toEqual([
    'kmm_clusters_by_reason{module="kmod",reason="Loaded",severity="ok"} 1',
  ]);
});

it('has no series for a word that the vocabulary does not have', async () => {
  const { modules, tally, series } = await setUp();
  for (let index = 0; index < 50; index++) tally.set(`c${index}`, item('Degraded', `Invented${index}`));
  modules.set('kmod', tally.counts);

  expect(await series('kmm_clusters_by_reason')).toEqual([
    'kmm_clusters_by_reason{module="kmod",reason="Other",severity="warning"} 50',
  ]);
});

it('forgets every series of a module that is gone', async () => {
  const { modules, tally, series } = await setUp();
  tally.set('a', item('Ready', 'Loaded'));
  modules.set('kmod', tally.counts);
  modules.remove('kmod');

  for (const name of ['kmm_clusters', 'kmm_clusters_by_reason', 'kmm_nodes'])
    expect(await series(name)).toEqual([]);
});
