import { expect, it } from 'vitest';
import { SCENES } from './story/scenes.ts';
import { simulatedWorld } from './story/simulated-world.ts';

async function tell(seed: number) {
  const world = await simulatedWorld(seed);
  for (const scene of SCENES) await scene.run(world);
  await world.stop();
  return world;
}

it.each([1, 2])('tells the whole story in simulation, the same way each time with seed %i', async (seed) => {
  const first = await tell(seed);
  const second = await tell(seed);

  expect(first.trace.length).toBeGreaterThan(100);
  expect(second.trace).toEqual(first.trace);
});
