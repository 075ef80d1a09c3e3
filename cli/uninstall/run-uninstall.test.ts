import { editions, installedObjects } from '@kmm-fleet/policies';
import { createManualClock, type KubeClient, sleep } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import type { Observe } from './observe-uninstall.ts';
import type { Seen } from './plan-uninstall.ts';
import { runUninstall } from './run-uninstall.ts';

const objects = installedObjects(editions.hub).map((object) => ({ ...object, isDeleting: true }));
/** Its Deployment has been deleted, its pod has not ended. */
const ending: Seen = {
  mode: 'keep',
  present: objects.filter(({ type }) => type.kind !== 'Deployment'),
  keeper: undefined,
  operatorPods: ['Pod/hub-1'],
  isRunning: true,
  modules: [],
  traces: [],
  held: [],
  neededKinds: [],
};
const gone: Seen = { ...ending, operatorPods: [], isRunning: false, present: [] };

/**
 * Waits for the end of a pod on a cluster where a look takes so long.
 *
 * @param endsMs when the pod has ended
 */
async function wait(lookMs: number, endsMs = Number.POSITIVE_INFINITY) {
  const clock = createManualClock(0);
  const looks: string[] = [];
  const observe: Observe = async (waitsOn) => {
    looks.push(`${clock.now() / 1_000} ${waitsOn ?? 'all'}`);
    await sleep(clock, lookMs);
    return clock.now() < endsMs ? ending : gone;
  };
  const told: string[] = [];
  const client = {} as KubeClient;
  const tell = ({ kind }: { readonly kind: string }) => void told.push(kind);
  let endedMs = 0;
  const running = runUninstall({ client, clock, observe, tell, patienceMs: 60_000 }).finally(() => {
    endedMs = clock.now();
  });
  await clock.advance(600_000);
  const { kind } = await running;
  expect(clock.pending()).toBe(0);
  return { kind, endedMs, looks, told };
}

it('asks each second for the one thing that it waits for, and for all when that has gone', async () => {
  expect(await wait(0, 2_500)).toEqual({
    kind: 'done',
    endedMs: 3_000,
    looks: ['0 all', '1 operator', '2 operator', '3 operator', '3 all'],
    told: ['wait'],
  });
});

it('asks less often where a look takes long', async () => {
  const { looks } = await wait(1_000, 25_000);
  expect(looks).toEqual(['0 all', '10 operator', '20 operator', '30 operator', '31 all']);
});

it('is patient for as long as it was told to, however long a look takes', async () => {
  expect(await wait(0)).toMatchObject({ kind: 'wait', endedMs: 60_000 });
  // From 40 to 65.
  expect(await wait(25_000)).toMatchObject({ kind: 'wait', endedMs: 65_000 });
});
