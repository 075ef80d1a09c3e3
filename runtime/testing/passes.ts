import type { Metrics } from '../metrics.ts';

/** How many passes a queue has ended so far, as its metrics tell: what tests count where nothing is written. */
export async function passesOf(metrics: Metrics, queue: string): Promise<number> {
  const series = `kmm_reconcile_duration_seconds_count{queue="${queue}"} `;
  const line = (await metrics.text()).split('\n').find((one) => one.startsWith(series));
  return Number(line?.slice(series.length) ?? 0);
}
