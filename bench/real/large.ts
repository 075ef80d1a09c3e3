// make bench-large: what of make bench-real tells whether the cost of a hub grows faster than its fleet, with ten times
// the clusters. What has a limit for a fleet has ten times as much; what has one for an event has the same.
import { createTally } from '../print.ts';
import { oneEvent } from './events.ts';
import { eventCostOfFew, inFleet } from './in-fleet.ts';
import { createOne, moreOfAll } from './new-module.ts';
import { restarted } from './restart.ts';

const CLUSTERS = Number(process.argv[2] ?? 35_000);
const progress = (line: string) => console.log(line);
const { tell, isGood } = createTally();

const costOfFew = await eventCostOfFew(progress);
await inFleet(CLUSTERS, progress, async (run, restart) => {
  tell(await createOne(run));
  tell(await oneEvent(run, costOfFew));
  tell(await restarted(await restart()));
  tell(await moreOfAll(run));
});
process.exit(isGood() ? 0 : 1);
