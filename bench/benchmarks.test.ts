import { expect, it } from 'vitest';
import { createWorks, oneEvent } from './benchmarks.ts';

// Counts, not times: they are the same on every machine.
it('needs one request per cluster to bring a module to all of them', async () => {
  const { ratio, ratioMax } = await createWorks(200);

  expect(ratio).toBeLessThanOrEqual(ratioMax);
});

it('does not do more for one event in a larger fleet', async () => {
  const { ratio, ratioMax } = await oneEvent(10, 100);

  expect(ratio).toBeLessThanOrEqual(ratioMax);
});
