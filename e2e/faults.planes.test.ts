import { readAuditLog } from '@kmm-fleet/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditViolations, unseen } from './faults/audit-violations.ts';
import { FAULT_MODULES, type FaultFleet, startFaultFleet } from './faults/fault-fleet.ts';
import { lendModules } from './faults/rounds.ts';
import { type Round, type RoundOptions, tellRound } from './faults/tell-round.ts';
import { tokenViolations } from './faults/token-violations.ts';

/**
 * To see a failed seed alone: KMM_FAULT_SEED=<seed> KMM_FAULT_SEEDS=1. A hundred are told in .ci/run and a thousand by
 * make nightly; without either, as many as leave make e2e-real below ten minutes on two cores.
 */
const FIRST = Number(process.env['KMM_FAULT_SEED'] ?? 1);
const PLANES = ['hub', 'east', 'west'] as const;
const COUNT = Number(process.env['KMM_FAULT_SEEDS'] ?? 40);

describe('whatever strikes a fleet on real control planes', () => {
  let fleet: FaultFleet;
  const rounds: Round[] = [];
  /** Of the calm round. */
  let state: readonly string[];
  const tell = lendModules(FAULT_MODULES, (seed: number, module: string, options: RoundOptions) =>
    tellRound(fleet, seed, module, { ...options, told: (round) => rounds.push(round) }),
  );

  beforeAll(async () => {
    fleet = await startFaultFleet(() => {});
    ({ state } = await tell(0, { isCalm: true }));
  });
  afterAll(() => fleet?.stop());

  // Four at a time, which makes it worse for each of them.
  it.concurrent.each(Array.from({ length: COUNT }, (_, index) => FIRST + index))(
    'seed %i: it ends as if nothing had',
    async (seed) => {
      const { digests } = await tell(seed, { state });
      // A module, its image and two works; then a Module and a DaemonSet on each cluster.
      expect(state).toHaveLength(4 + 2 * 2);
      expect(digests).toHaveLength(2);
    },
  );

  it('no operator ended that nobody had killed', () => {
    expect(PLANES.map((name) => fleet.operator(name).crashes())).toEqual([0, 0, 0]);
  });

  it('unloaded nothing too early, shipped nothing unpinned or unsigned, wrote no storm, and used the tokens it had', async () => {
    const [hub = [], east = [], west = []] = await Promise.all(
      PLANES.map((name) => Array.fromAsync(readAuditLog(fleet.plane(name).auditLog))),
    );

    expect(tokenViolations('kmm-hub', fleet.tokens('hub').given, hub)).toEqual([]);
    expect(tokenViolations('kmm', fleet.tokens('east').given, east)).toEqual([]);
    expect(tokenViolations('kmm', fleet.tokens('west').given, west)).toEqual([]);
    const logs = { hub, east, west };
    expect(auditViolations(rounds, logs)).toEqual([]);
    expect(unseen(rounds.slice(0, 1), logs), 'the calm round').toEqual([]);
    // A kube-apiserver that is killed may have done what it has not logged yet.
    expect(unseen(rounds.slice(1), logs).length).toBeLessThanOrEqual(Math.ceil(COUNT / 12));
  });
});
