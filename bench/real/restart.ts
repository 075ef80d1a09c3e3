import type { Figure } from '../measure.ts';
import { figure, memory, ofFleet, pause, QUIET_MS, type Run, UPSTREAM_MIB } from './measuring.ts';

const QUIET_AFTER_MS = 4_000;

/** A hub that finds everything in place. */
export async function restarted(run: Run): Promise<Figure[]> {
  const { audit, hub } = run;
  const quietAfterMs = ofFleet(run, QUIET_AFTER_MS);
  await pause(quietAfterMs);
  const start = audit.next();
  await pause(QUIET_MS);
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
    figure(
      `restart: requests later than ${quietAfterMs / 1_000} s`,
      `${later.writes} writes, ${later.reads} reads`,
      later.reads + later.writes,
      0,
    ),
    figure('restart: CPU in seconds', `${hub.cpuSeconds().toFixed(1)} s`, hub.cpuSeconds(), ofFleet(run, 6)),
    memory('after a restart', run, UPSTREAM_MIB.withModule),
  ];
}
