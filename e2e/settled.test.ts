import { expect, it } from 'vitest';
import { SCENES } from './story/scenes.ts';
import { simulatedWorld } from './story/simulated-world.ts';

const HOURS = 3;

it('writes nothing and says nothing for hours once it is settled', async () => {
  const world = await simulatedWorld(3);
  for (const scene of SCENES.slice(0, 6)) await scene.run(world);
  await world.clock.advance(60_000);
  const before = { trace: world.trace.length, logs: world.logs.length, ...requests(world) };

  await world.clock.advance(HOURS * 3_600_000);

  const ours = world.trace.slice(before.trace).filter((line) => / kmm(-hub)? /.test(line));
  expect(ours).toEqual([]);
  expect(world.logs.slice(before.logs)).toEqual([]);
  const after = requests(world);
  expect(after.others).toBe(before.others);
  // Watches end after 5 to 10 minutes and are opened again, which is all that is asked.
  expect(before.watches).toBeGreaterThan(10);
  expect(after.watches - before.watches).toBeLessThanOrEqual(before.watches * HOURS * 12);
  await world.stop();
});

/** What hub and spokes have asked of all servers so far. */
function requests({ fleet }: Awaited<ReturnType<typeof simulatedWorld>>) {
  const servers = [fleet.hub, ...[...fleet.clusters.values()].map(({ server }) => server)];
  const ours = servers.flatMap(({ requests: all }) => [...all].filter(([key]) => /^kmm(-hub)? /.test(key)));
  const sum = (counts: typeof ours) => counts.reduce((total, [, count]) => total + count, 0);
  const watches = sum(ours.filter(([key]) => key.endsWith(' WATCH')));
  return { watches, others: sum(ours) - watches };
}
