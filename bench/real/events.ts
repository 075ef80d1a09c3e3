import { type ManagedClusterModule, RESOURCES } from '@kmm-fleet/api';
import type { Figure } from '../measure.ts';
import type { BenchFleet } from './fleet.ts';
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
const EVENTS = 12;
/** Each is told of its own, without a wait for those before it: a status is written three times in three seconds at most. */
const EVENT_PAUSE_MS = 1_050;
/** A server takes some 500 of them a second. */
const MANY_EVENTS = 100_000;
const GROWTH_MAX = 1.15;

/** What a hub does for status events of which each changes the status of the module. */
export interface EventCost {
  readonly cpuMs: number;
  readonly requests: number;
  readonly what: string;
}

/** A hub that has told of few events yet is slower, and so the first ones are not counted. */
export async function eventCost(run: Run): Promise<EventCost> {
  await costOfNext(run);
  return costOfNext(run);
}

/** Clusters report that have not yet, one after the other. */
async function costOfNext({ fleet, hub, audit }: Run): Promise<EventCost> {
  const reported = await appliedOf(fleet);
  audit.next();
  const before = hub.cpuSeconds();
  for (let event = 0; event < EVENTS; event += 1) {
    await report(fleet, [`c${reported + event}`], 1);
    await pause(EVENT_PAUSE_MS);
  }
  const cpuSeconds = hub.cpuSeconds() - before;
  await mustBeApplied(fleet, reported + EVENTS);
  const { what, reads, writes } = audit.next();
  if (writes < EVENTS)
    throw new RangeError(`${EVENTS} events were told in ${writes} writes, some of them together.`);
  return { cpuMs: (cpuSeconds * 1_000) / EVENTS, requests: (reads + writes) / EVENTS, what };
}

/** @throws {RangeError} when the status of the module is not right, and what it took to write it is no figure */
async function mustBeApplied(fleet: BenchFleet, expected: number): Promise<void> {
  const applied = await appliedOf(fleet);
  if (applied === expected) return;
  throw new RangeError(`${expected} works are applied, and the status of the module says ${applied}.`);
}

async function appliedOf({ user }: BenchFleet): Promise<number> {
  const mcm = await user.get(RESOURCES.managedClusterModule, { name: 'kmod' });
  return (mcm?.['status'] as ManagedClusterModule['status'])?.numberApplied ?? 0;
}

/** @param costOfFew of an event in a fleet of {@link FEW} */
export async function oneEvent(run: Run, costOfFew: EventCost): Promise<Figure[]> {
  const { fleet, audit } = run;
  await pause(QUIET_MS);
  audit.next();
  await report(fleet, fleet.clusters.slice(0, 1), 1);
  await pause(QUIET_MS);
  await mustBeApplied(fleet, 1);
  const { what, reads, writes } = audit.next();
  const cost = await eventCost(run);
  const [ms, msOfFew] = [cost, costOfFew].map(({ cpuMs }) => `${cpuMs.toFixed(1)} ms`);
  return [
    figure('one status event: requests of the hub', what, reads + writes, 1, '7,008 at 3,500'),
    figure(`${EVENTS} status events: requests of the hub for each`, cost.what, cost.requests, 1),
    figure('one status event: CPU in ms', `${ms}`, cost.cpuMs, 10, '17.9 s at 3,500'),
    figure(
      `one status event: CPU beside that at ${FEW} clusters`,
      `${ms}, ${msOfFew}`,
      cost.cpuMs / costOfFew.cpuMs,
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

/** Memory after the first event of each cluster beside that after many more. */
export async function manyEvents(run: Run): Promise<Figure[]> {
  const { fleet } = run;
  const count = fleet.clusters.length;
  const rounds = Math.ceil(MANY_EVENTS / count);
  let before = 0;
  for (let round = 0; round <= rounds; round += 1) {
    if (round === 1) before = await settledMemory(run);
    await report(fleet, fleet.clusters, 1_000 + round);
    run.audit.next();
  }
  const after = await settledMemory(run);
  return [
    figure(
      `memory of the hub over ${rounds * count} status events`,
      `${before.toFixed(0)} MiB, ${after.toFixed(0)} MiB`,
      after / before,
      GROWTH_MAX,
    ),
    memory(`after ${(rounds + 1) * count} status events`, run, UPSTREAM_MIB.withModule),
  ];
}

async function settledMemory({ hub }: Run): Promise<number> {
  await pause(QUIET_MS * 2);
  return hub.residentMiB();
}
