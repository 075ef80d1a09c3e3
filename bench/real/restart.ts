import type { Figure } from '../measure.ts';
import { figure, memory, pause, QUIET_MS, type Run, UPSTREAM_MIB } from './measuring.ts';

const QUIET_AFTER_MS = 4_000;

/** A hub that finds everything in place. */
export async function restarted(run: Run): Promise<Figure[]> {
  const { audit, hub } = run;
  await pause(QUIET_AFTER_MS);
  const start = audit.next();
  await pause(QUIET_MS);
  const later = audit.next();
  return [
    figure('restart with everything in place: writes', start.what, start.writes, 0),
    figure('restart: most lists of one kind', `${start.reads} reads`, start.listsOfOneKind, 1),
    figure(
      `restart: requests later than ${QUIET_AFTER_MS / 1_000} s`,
      `${later.writes} writes, ${later.reads} reads`,
      later.reads + later.writes,
      0,
    ),
    figure('restart: CPU in seconds', `${hub.cpuSeconds().toFixed(1)} s`, hub.cpuSeconds(), 6),
    memory('after a restart', run, UPSTREAM_MIB.withModule),
  ];
}
