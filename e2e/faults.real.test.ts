import { describe, expect, it } from 'vitest';
import { SCENES } from './story/scenes.ts';
import { simulatedWorld } from './story/simulated-world.ts';
import { images, loadedModules, pinsOf, works } from './story/world.ts';

// In simulation, but beside the real suites because it takes a minute: each request is one story.

type Fault = { readonly status: number; readonly retryAfterSeconds?: number } | 'drop-after';

/** The fleet with the module loaded everywhere, while one request of one process fails. */
async function loadedFleet(agent: string, nth: number, fault: Fault) {
  const world = await simulatedWorld(9);
  let count = 0;
  const servers = [world.fleet.hub, ...[...world.fleet.clusters.values()].map(({ server }) => server)];
  for (const server of servers)
    server.setFault(({ headers }) =>
      headers['user-agent'] === agent && ++count === nth ? fault : undefined,
    );
  for (const scene of SCENES.slice(0, 6)) await scene.run(world);
  const outcome = {
    pins: (await works(world)).map(pinsOf),
    loaded: await loadedModules(world, 'west'),
    images: (await images(world)).map(({ spec, status }) => `${spec.image} ${status?.state}`),
    built: world.built.toSorted(),
  };
  await world.stop();
  return { outcome, count };
}

describe.each(['kmm-hub', 'kmm'])('whichever request of %s fails', (agent) => {
  it.each<[string, Fault]>([
    ['with 500', { status: 500 }],
    ['with 429 and a time to wait', { status: 429, retryAfterSeconds: 2 }],
    ['after it is done', 'drop-after'],
  ])('%s, the fleet ends the same and nothing is built twice', async (_how, fault) => {
    const calm = await loadedFleet(agent, 0, fault);

    expect(calm.count).toBeGreaterThan(15);
    for (let n = 1; n <= calm.count; n += 1) {
      const { outcome } = await loadedFleet(agent, n, fault);
      expect(outcome, `request ${n} of ${calm.count}`).toEqual(calm.outcome);
    }
  });
});
