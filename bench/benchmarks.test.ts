import { expect, it } from 'vitest';
import { burst, createWorks, oneEvent } from './benchmarks.ts';
import { oneImagePerKernel, oneLookUpPerImage } from './one-image.ts';

// Counts, not times: they are the same on every machine.
it('needs one request per cluster to bring a module to all of them', async () => {
  const { ratio, ratioMax } = await createWorks(200);

  expect(ratio).toBeLessThanOrEqual(ratioMax);
});

it('builds, signs and looks up once per kernel, however many clusters want it', async () => {
  for (const { ratio, ratioMax } of [await oneImagePerKernel(40, 4), await oneLookUpPerImage(40, 4)])
    expect(ratio).toBe(ratioMax);
});

it('does not do more for one event in a larger fleet', async () => {
  const { ratio, ratioMax } = await oneEvent(10, 100);

  expect(ratio).toBeLessThanOrEqual(ratioMax);
});

it('does not write a status per event while clusters report one after another', async () => {
  const { ratio, ratioMax } = await burst(100);

  expect(ratio).toBeLessThanOrEqual(ratioMax);
});
