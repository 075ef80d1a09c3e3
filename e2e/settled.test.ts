import { expect, it } from 'vitest';
import { SCENES } from './story/scenes.ts';
import { simulatedWorld } from './story/simulated-world.ts';

const HOURS = 3;

it('writes nothing and says nothing for hours once it is settled', async () => {
  const world = await simulatedWorld(3);
  for (const scene of SCENES.slice(0, 6)) await scene.run(world);
  await world.clock.advance(60_000);
  const before = { trace: world.trace.length, logs: world.logs.length, requests: requests(world) };

  await world.clock.advance(HOURS * 3_600_000);

  const ours = world.trace.slice(before.trace).filter((line) => / kmm(-hub)? /.test(line));
  expect(ours).toEqual([]);
  expect(world.logs.slice(before.logs)).toEqual([]);
  // Watches end after 5 to 10 minutes and are opened again; nothing else is asked.
  const reads = requests(world) - before.requests;
  expect(reads).toBe(0);
  await world.stop();
});

function requests({ fleet }: Awaited<ReturnType<typeof simulatedWorld>>): number {
  const servers = [fleet.hub, ...[...fleet.clusters.values()].map(({ server }) => server)];
  const counts = servers.flatMap(({ requests: all }) =>
    [...all].filter(([key]) => /^kmm(-hub)? /.test(key) && !key.endsWith('WATCH')),
  );
  return counts.reduce((sum, [, count]) => sum + count, 0);
}
