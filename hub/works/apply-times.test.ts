import { createMetrics } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { createApplyTimes } from './apply-times.ts';
import type { ItemState } from './item-status.ts';

const state = (reason: string, isApplied: boolean): ItemState => ({
  state: 'Progressing',
  reason,
  message: '',
  nodes: { selected: 0, desired: 0, available: 0 },
  work: { exists: true, isApplied, isDegraded: false },
});

it('measures from the write until the cluster has applied it, once', async () => {
  const metrics = createMetrics();
  let nowMs = 0;
  const times = createApplyTimes(metrics, { elapsed: () => nowMs });
  times.wrote('kmod/east');
  times.report('kmod/east', state('WaitingForAgent', true));
  nowMs = 3_000;
  times.report('kmod/east', state('NodesLoading', true));
  times.report('kmod/east', state('Loaded', true));

  const text = await metrics.text();
  expect(text).toContain('kmm_work_apply_duration_seconds_sum 3\n');
  expect(text).toContain('kmm_work_apply_duration_seconds_count 1\n');
});

it('measures nothing for a work that is gone or was refused', async () => {
  const metrics = createMetrics();
  const times = createApplyTimes(metrics, { elapsed: () => 0 });
  times.wrote('a/b');
  times.report('a/b', undefined);
  times.wrote('a/c');
  times.report('a/c', state('WorkNotApplied', false));

  expect(await metrics.text()).toContain('kmm_work_apply_duration_seconds_count 0\n');
});
