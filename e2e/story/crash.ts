import { expect } from 'vitest';
import { SCENES } from './scenes.ts';
import { type SimulatedWorld, simulatedWorld } from './simulated-world.ts';

/** What must come out the same, wherever a process was killed. */
export interface Outcome {
  /** Images in the order of their names, as often as they were built. */
  readonly built: readonly string[];
  /** Works and DaemonSets that were deleted before the user asked for it. */
  readonly unloaded: readonly string[];
  /** Writes of the process that was watched. */
  readonly writes: number;
  readonly wasKilled: boolean;
}

const AGENTS = { hub: 'kmm-hub', spoke: 'kmm' } as const;

/** Tells the whole story; the scenes check each step themselves. @param n the write at which the process dies; 0 never */
export async function tellWithCrash(process: 'hub' | 'spoke', n: number, seed = 7): Promise<Outcome> {
  const world = await simulatedWorld(seed);
  if (n > 0) world.killAtWrite(process, n, n % 2 === 0 ? 'before' : 'after');
  let unloaded: string[] = [];
  for (const scene of SCENES) {
    if (scene.name === '9a') unloaded = deletions(world);
    await scene.run(world);
  }
  await world.stop();
  const writes = world.trace.filter((line) => line.split(' ')[2] === AGENTS[process]).length;
  return { built: world.built.toSorted(), unloaded, writes, wasKilled: world.wasKilled };
}

/** The same end, the same images and nothing unloaded, for a crash at write `n`. */
export async function expectSameEnd(process: 'hub' | 'spoke', n: number, calm: Outcome): Promise<void> {
  const { built, unloaded, wasKilled } = await tellWithCrash(process, n);

  expect(wasKilled, `the crash at write ${n} of ${calm.writes} must happen`).toBe(true);
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
