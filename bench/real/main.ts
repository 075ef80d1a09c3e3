// make bench-real: the hub as a process, on a real kube-apiserver with a large fleet of clusters. What it costs is
// set beside what plain writes of the same objects cost the same server in the same run.
import { createTally } from '../print.ts';
import { burst, manyEvents, oneEvent } from './events.ts';
import { eventCostOfFew, inFleet } from './in-fleet.ts';
import { latencies } from './latencies.ts';
import { createOne, moreOfAll, newDigest } from './new-module.ts';
import { oddFleet } from './odd-fleet.ts';
import { restarted } from './restart.ts';

const CLUSTERS = Number(process.argv[2] ?? 3_500);
const progress = (line: string) => console.log(line);
const { tell, isGood } = createTally();

const costOfFew = await eventCostOfFew(progress);
await inFleet(CLUSTERS, progress, async (run, restart) => {
  tell(await createOne(run));
  tell(await oneEvent(run, costOfFew));
  tell(await burst(run, restart));
  tell(await newDigest(run));
  tell(await restarted(await restart()));
  tell(await manyEvents(run));
  tell(await moreOfAll(run));
  tell(await oddFleet(run));
});
tell(await latencies(progress));
process.exit(isGood() ? 0 : 1);
