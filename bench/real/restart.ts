import type { Figure } from '../measure.ts';
import { figure, memory, ofFleet, pause, RESTART_MS, type Run, UPSTREAM_MIB } from './measuring.ts';

const LOOK_MS = 10_000;
/** The same few for a fleet of any size: its kinds, and its own key for hashes. */
const GETS_MAX = 5;

/**
 * A hub that finds everything in place.
 *
 * @throws {RangeError} when it has read nothing: it waits for the lease of the one before, and has not begun
 */
export async function restarted(run: Run): Promise<Figure[]> {
  const { audit, hub } = run;
  const quietAfterMs = ofFleet(run, RESTART_MS);
  await pause(quietAfterMs);
  const start = audit.next();
  if (start.listsOfOneKind === 0) throw new RangeError('The hub that was restarted has read nothing.');
  await pause(LOOK_MS);
  const later = audit.next();
  return [
    figure(
      'restart with everything in place: writes',
      start.what,
      start.writes,
      0,
      '7,019 requests in 350 s at 3,500',
    ),
    figure('restart: most lists of one kind', `${start.reads} reads`, start.listsOfOneKind, 1),
    figure('restart: reads that are no lists', start.got, start.gets, GETS_MAX),
    figure(
      `restart: requests from ${quietAfterMs / 1_000} s on, in ${LOOK_MS / 1_000} s`,
      `${later.writes} writes, ${later.reads} reads`,
      later.reads + later.writes,
      0,
    ),
    figure('restart: CPU in seconds', `${hub.cpuSeconds().toFixed(1)} s`, hub.cpuSeconds(), ofFleet(run, 6)),
    memory('after a restart', run, UPSTREAM_MIB.withModule),
  ];
}
