import type { Figure } from '../measure.ts';
import {
  figure,
  measured,
  memory,
  ofFleet,
  pause,
  QUIET_MS,
  RESTART_MS,
  type Restart,
  type Run,
  report,
  seconds,
  UPSTREAM_MIB,
  untilStatus,
} from './measuring.ts';

/** A fleet beside which one event must not cost more in the large one. */
export const FEW = 100;
const EVENTS = 200;
const EVENT_PAUSE_MS = 20;
/** A server takes some 500 of them a second. */
const MANY_EVENTS = 50_000;
const GROWTH_MAX = 1.15;

/** CPU of the hub for one status event, in milliseconds: of many that come one after the other. */
export async function eventCost({ fleet, hub }: Run): Promise<number> {
  const before = hub.cpuSeconds();
  for (let event = 0; event < EVENTS; event += 1) {
    await report(fleet, [`c${event % FEW}`], 10 + event);
    await pause(EVENT_PAUSE_MS);
  }
  await pause(QUIET_MS);
  return ((hub.cpuSeconds() - before) * 1_000) / EVENTS;
}

/** @param costOfFew of an event in a fleet of {@link FEW} */
export async function oneEvent(run: Run, costOfFew: number): Promise<Figure[]> {
  const { fleet, audit } = run;
  await pause(QUIET_MS);
  audit.next();
  await report(fleet, fleet.clusters.slice(0, 1), 1);
  await pause(QUIET_MS);
  const { what, reads, writes } = audit.next();
  const cost = await eventCost(run);
  return [
    figure('one status event: requests of the hub', what, reads + writes, 1, '7,008 at 3,500'),
    figure('one status event: CPU in ms', `${cost.toFixed(1)} ms`, cost, 10, '17.9 s at 3,500'),
    figure(
      `one status event: CPU beside that at ${FEW} clusters`,
      `${cost.toFixed(1)} ms, ${costOfFew.toFixed(1)} ms`,
      cost / costOfFew,
      1.2,
    ),
  ];
}

/**
 * Every cluster reports while the hub stands still; then it gets all of it at once. Who stands still for ten seconds
 * loses the lease and ends, as it should: this hub has none.
 */
export async function burst(run: Run, restart: Restart): Promise<Figure[]> {
  await restart({ LEADER_ELECTION: 'false' });
  const figures = await burstWithoutLease(run);
  await restart();
  await pause(ofFleet(run, RESTART_MS));
  return figures;
}

async function burstWithoutLease(run: Run): Promise<Figure[]> {
  const { fleet, audit, hub } = run;
  const count = fleet.clusters.length;
  await pause(ofFleet(run, RESTART_MS));
  audit.next();
  hub.freeze();
  await report(fleet, fleet.clusters, 2);
  hub.thaw();
  const settling = await measured(() => untilStatus(fleet, (status) => status?.numberApplied === count));
  await pause(QUIET_MS);
  const { what, writes } = audit.next();
  return [
    figure(
      `${count} status events at once: status right after, in seconds`,
      seconds(settling),
      settling / 1_000,
      2,
    ),
    figure(`${count} status events at once: writes of the hub`, what, writes, 5),
  ];
}

/** Memory after the first events beside that after many more. */
export async function manyEvents(run: Run): Promise<Figure[]> {
  const { fleet } = run;
  const count = fleet.clusters.length;
  const rounds = Math.ceil(MANY_EVENTS / count);
  let before = 0;
  for (let round = 0; round < rounds * 2; round += 1) {
    if (round === rounds) before = await settledMemory(run);
    await report(fleet, fleet.clusters, 1_000 + round);
    run.audit.next();
  }
  const after = await settledMemory(run);
  return [
    figure(
      `memory of the hub over ${rounds * count} status events, after as many`,
      `${before.toFixed(0)} MiB, ${after.toFixed(0)} MiB`,
      after / before,
      GROWTH_MAX,
    ),
    memory(`after ${2 * rounds * count} status events`, run, UPSTREAM_MIB.withModule),
  ];
}

async function settledMemory({ hub }: Run): Promise<number> {
  await pause(QUIET_MS * 2);
  return hub.residentMiB();
}
