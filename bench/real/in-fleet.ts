import { RESOURCES } from '@kmm-fleet/api';
import { createAuditReader } from './audit.ts';
import { type EventCost, eventCost, FEW } from './events.ts';
import { type BenchFleet, type HubSettings, startBenchFleet } from './fleet.ts';
import { ofFleet, pause, QUIET_MS, type Restart, type Run, untilWorks } from './measuring.ts';

/** Works with a hub that has seen all of its clusters. */
export async function inFleet<T>(
  count: number,
  progress: (line: string) => void,
  work: (run: Run, restart: Restart) => Promise<T>,
): Promise<T> {
  const fleet = await startBenchFleet(count, progress);
  try {
    return await withHub(fleet, work);
  } finally {
    await fleet.stop();
  }
}

async function withHub<T>(fleet: BenchFleet, work: (run: Run, restart: Restart) => Promise<T>): Promise<T> {
  const digest = await fleet.pushImage('1', 'one');
  let hub = fleet.startHub();
  const run: Run = {
    fleet,
    digest,
    audit: createAuditReader(fleet.plane.auditLog, 'kmm-hub'),
    get hub() {
      return hub;
    },
  };
  const restart = async (env?: HubSettings) => {
    await hub.stop();
    run.audit.next();
    hub = fleet.startHub(env);
    return run;
  };
  try {
    await pause(ofFleet(run, QUIET_MS * 2));
    hub.mustLive();
    run.audit.next();
    return await work(run, restart);
  } finally {
    await hub.stop();
  }
}

/** What one status event takes where there are few clusters. */
export function eventCostOfFew(progress: (line: string) => void): Promise<EventCost> {
  return inFleet(FEW, progress, async (run) => {
    await run.fleet.user.create(RESOURCES.managedClusterModule, run.fleet.module('1'));
    await untilWorks(run.fleet, FEW);
    await pause(QUIET_MS * 2);
    return eventCost(run);
  });
}
