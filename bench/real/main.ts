// make bench-real: the hub as a process, on a real kube-apiserver with a large fleet of clusters. What it costs is
// set beside what plain writes of the same objects cost the same server in the same run.
import { RESOURCES } from '@kmm-fleet/api';
import type { Figure } from '../measure.ts';
import { print } from '../print.ts';
import { createAuditReader } from './audit.ts';
import { burst, eventCost, FEW, manyEvents, oneEvent } from './events.ts';
import { feedbackLatency } from './feedback.ts';
import { startRealFleet } from './fleet.ts';
import { pause, QUIET_MS, type Run, untilWorks } from './measuring.ts';
import { createOne, moreOfAll, newDigest } from './new-module.ts';
import { restarted } from './restart.ts';

const CLUSTERS = Number(process.argv[2] ?? 3_500);
const progress = (line: string) => console.log(line);
let isGood = true;
const tell = (figures: readonly Figure[]) => {
  isGood = print(figures) && isGood;
};

const costOfFew = await inFleet(FEW, async (run) => {
  await run.fleet.user.create(RESOURCES.managedClusterModule, run.fleet.module('1'));
  await untilWorks(run.fleet, FEW);
  await pause(QUIET_MS * 2);
  return eventCost(run);
});
await inFleet(CLUSTERS, async (run, restart) => {
  tell(await createOne(run));
  tell(await oneEvent(run, costOfFew));
  tell(await burst(run));
  tell(await newDigest(run));
  tell(await restarted(await restart()));
  tell(await manyEvents(run));
  tell(await moreOfAll(run));
});
tell([await feedbackLatency(progress)]);
process.exit(isGood ? 0 : 1);

/** Works with a hub that has seen all of its clusters. */
async function inFleet<T>(
  count: number,
  work: (run: Run, restart: () => Promise<Run>) => Promise<T>,
): Promise<T> {
  const fleet = await startRealFleet(count, progress);
  let hub = fleet.startHub();
  const run: Run = {
    fleet,
    audit: createAuditReader(fleet.plane.auditLog, 'kmm-hub'),
    get hub() {
      return hub;
    },
  };
  const restart = async () => {
    await hub.stop();
    run.audit.next();
    hub = fleet.startHub();
    return run;
  };
  try {
    await fleet.pushImage('1', 'one');
    await pause(QUIET_MS * 2);
    run.audit.next();
    return await work(run, restart);
  } finally {
    await hub.stop();
    await fleet.close();
  }
}
