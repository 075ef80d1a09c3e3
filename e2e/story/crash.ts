import { expect } from 'vitest';
import { SCENES } from './scenes.ts';
import { type SimulatedWorld, simulatedWorld } from './simulated-world.ts';

/** What must come out the same, wherever a process was killed. */
export interface Outcome {
  /** Images in the order of their names, as often as they were built. */
  readonly built: readonly string[];
  /** Works and DaemonSets that were deleted before the user asked for it. */
  readonly unloaded: readonly string[];
  /** Writes of each process. */
  readonly writes: Readonly<Record<'hub' | 'spoke', number>>;
  readonly wasKilled: boolean;
}

/** Tells the whole story, with a crash at a write or without; the scenes check each step themselves. */
export async function tellStory(crash?: { process: 'hub' | 'spoke'; n: number }): Promise<Outcome> {
  const world = await simulatedWorld(7);
  if (crash) world.killAtWrite(crash.process, crash.n, crash.n % 2 === 0 ? 'before' : 'after');
  let unloaded: string[] = [];
  for (const scene of SCENES) {
    if (scene.name === '9a') unloaded = deletions(world);
    await scene.run(world);
  }
  await world.stop();
  const writesOf = (agent: string) => world.trace.filter((line) => line.split(' ')[2] === agent).length;
  const writes = { hub: writesOf('kmm-hub'), spoke: writesOf('kmm') };
  return { built: world.built.toSorted(), unloaded, writes, wasKilled: world.wasKilled };
}

/** The same end, the same images and nothing unloaded, for a crash at write `n`. */
export async function expectSameEnd(process: 'hub' | 'spoke', n: number, calm: Outcome): Promise<void> {
  const { built, unloaded, wasKilled } = await tellStory({ process, n });

  expect(wasKilled, `the crash at write ${n} of ${calm.writes[process]} must happen`).toBe(true);
  expect(built).toEqual(calm.built);
  expect(unloaded).toEqual(calm.unloaded);
}

function deletions(world: SimulatedWorld): string[] {
  const lines = world.trace.map((line) => line.split(' ').slice(1));
  const removing = lines.filter(
    ([, , method, path = '']) => method === 'DELETE' && /daemonsets|manifestworks/.test(path),
  );
  return [...new Set(removing.map(([server, , , path]) => `${server} ${path}`))].sort();
}
