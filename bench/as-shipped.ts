import { spawnSync } from 'node:child_process';
import { systemClock as clock, type KubeObject, sleep } from '@kmm-fleet/runtime';
import type { Room } from './bundle.ts';
import { module } from './fleet.ts';
import { type Figure, median, medianMs, SETTLE_MS } from './measure.ts';
import { withOperator } from './operator-process.ts';
import { nodeObject } from './spoke-memory.ts';

/** Of upstream's hub without a ManagedClusterModule, and of its spoke, as they were measured at rest. */
const UPSTREAM_MIB: Readonly<Record<Room, number>> = { hub: 49, spoke: 48 };
const LIMIT_MIB: Readonly<Record<Room, number>> = { hub: 76, spoke: 64 };
const STARTS = 3;

/** What each finds at its start, so that there is something to write. */
const FIRST_WORK: Readonly<Record<Room, KubeObject>> = {
  spoke: nodeObject(0),
  hub: module(),
};

/** Start and memory at rest of an operator as its image has it, lease and all. */
export async function asShipped(room: Room): Promise<Figure[]> {
  const bareMs = await medianMs(STARTS, () => spawnSync(process.execPath, ['-e', '0']));
  const starts: number[] = [];
  for (let start = 0; start < STARTS; start += 1)
    starts.push(
      await withOperator(room, { objects: [FIRST_WORK[room]] }, ({ firstWriteMs }) => firstWriteMs),
    );
  const resting = await withOperator(room, { objects: [] }, async ({ residentMiB }) => {
    await sleep(clock, SETTLE_MS);
    return residentMiB();
  });
  const upstream = UPSTREAM_MIB[room];
  return [
    {
      name: `${room} as shipped: process start to first reconcile`,
      value: `${median(starts).toFixed(0)} ms (node: ${bareMs.toFixed(0)} ms)`,
      ratio: median(starts) / bareMs,
      ratioMax: 15,
    },
    {
      name: `${room} as shipped: idle memory`,
      value: `${resting.toFixed(0)} MiB`,
      ratio: resting / upstream,
      ratioMax: LIMIT_MIB[room] / upstream,
      upstream: `${upstream} MiB`,
    },
  ];
}
