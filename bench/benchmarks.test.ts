import { RESOURCES } from '@kmm-fleet/api';
import { type Clock, sleep, type Transport } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { burst, createWorks, oneEvent } from './benchmarks.ts';
import { hubWithClusters, module, untilWorks } from './fleet.ts';
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

it('has 64 writes of works under way, and never more', async () => {
  let [underWay, most] = [0, 0];
  const slow = (inner: Transport, clock: Clock): Transport => ({
    ...inner,
    async request(request, signal) {
      if (request.method !== 'PATCH' || !request.path.includes('/manifestworks/'))
        return inner.request(request, signal);
      underWay += 1;
      most = Math.max(most, underWay);
      await sleep(clock, 50);
      underWay -= 1;
      return inner.request(request, signal);
    },
  });
  const world = await hubWithClusters(100, undefined, slow);
  await world.user.create(RESOURCES.managedClusterModule, module());
  await untilWorks(world, 100);
  await world.stop();

  expect(most).toBe(64);
});
