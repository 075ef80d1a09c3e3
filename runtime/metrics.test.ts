import { expect, it } from 'vitest';
import { createMetrics, type Metrics } from './metrics.ts';

/** The lines of one metric, without its explanation. */
async function seriesOf(metrics: Metrics, name: string) {
  const lines = (await metrics.text()).split('\n');
  return lines.filter((line) => line.startsWith(name));
}

it('explains each metric with a help text and a type, also one without a value', async () => {
  const text = await createMetrics().text();
  const names = (word: string) =>
    [...text.matchAll(RegExp(`^# ${word} (\\S+) \\S+`, 'gm'))].map(([, name]) => name);

  expect(names('HELP').length).toBeGreaterThan(5);
  expect(names('TYPE')).toEqual(names('HELP'));
});

it('adds up counters, by labels', async () => {
  const metrics = createMetrics();
  const built = { step: 'build', outcome: 'ok' };
  metrics.count('kmm_builds_total', built);
  metrics.count('kmm_builds_total', { step: 'sign', outcome: 'ok' });
  metrics.count('kmm_builds_total', built, 2);

  expect(await seriesOf(metrics, 'kmm_builds_total')).toEqual([
    'kmm_builds_total{step="build",outcome="ok"} 3',
    'kmm_builds_total{step="sign",outcome="ok"} 1',
  ]);
});

it('sets gauges, moves them, and forgets them', async () => {
  const metrics = createMetrics();
  metrics.set('kmm_module_images', { state: 'Built' }, 5);
  metrics.add('kmm_module_images', { state: 'Built' }, -2);
  metrics.add('kmm_module_images', { state: 'Failed' }, 1);
  expect(await seriesOf(metrics, 'kmm_module_images')).toEqual([
    'kmm_module_images{state="Built"} 3',
    'kmm_module_images{state="Failed"} 1',
  ]);

  metrics.remove('kmm_module_images', { state: 'Built' });
  expect(await seriesOf(metrics, 'kmm_module_images')).toEqual(['kmm_module_images{state="Failed"} 1']);
});

it('sorts durations into buckets that each hold those before them', async () => {
  const metrics = createMetrics();
  for (const seconds of [0.002, 0.002, 5, 10_000])
    metrics.observe('kmm_reconcile_duration_seconds', { queue: 'q' }, seconds);
  const series = await seriesOf(metrics, 'kmm_reconcile_duration_seconds');

  expect(series.at(0)).toBe('kmm_reconcile_duration_seconds_bucket{le="0.001",queue="q"} 0');
  expect(series).toContain('kmm_reconcile_duration_seconds_bucket{le="0.005",queue="q"} 2');
  expect(series).toContain('kmm_reconcile_duration_seconds_bucket{le="10",queue="q"} 3');
  expect(series.slice(-3)).toEqual([
    'kmm_reconcile_duration_seconds_bucket{le="+Inf",queue="q"} 4',
    'kmm_reconcile_duration_seconds_sum{queue="q"} 10005.004',
    'kmm_reconcile_duration_seconds_count{queue="q"} 4',
  ]);
});

it.each([
  ['a "quote"', String.raw`a \"quote\"`],
  [String.raw`a \ backslash`, String.raw`a \\ backslash`],
  ['two\nlines', String.raw`two\nlines`],
  ['grün }=,', 'grün }=,'],
])('writes %j as a label that a reader understands', async (state, expected) => {
  const metrics = createMetrics();
  metrics.set('kmm_module_images', { state }, 1);

  expect(await seriesOf(metrics, 'kmm_module_images')).toEqual([`kmm_module_images{state="${expected}"} 1`]);
});

it('refuses a label that nobody declared', () => {
  expect(() => createMetrics().count('kmm_builds_total', { step: 'build', image: 'x' })).toThrow(/image/);
});

it('keeps the numbers of two processes in one test apart', async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.set('kmm_module_images', { state: 'Built' }, 1);

  expect(await seriesOf(other, 'kmm_module_images')).toEqual([]);
});
