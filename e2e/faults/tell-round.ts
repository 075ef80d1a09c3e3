import { setTimeout as sleep } from 'node:timers/promises';
import { RESOURCES } from '@kmm-fleet/api';
import { inTime, patiently, until } from '@kmm-fleet/lab';
import { type FaultFleet, faultModule } from './fault-fleet.ts';
import { loadersTold } from './loaders-told.ts';
import { isForgotten, lacks, leftOf, loaderUid, readyDigest, untold } from './observe.ts';
import { planStrikes } from './plan-strikes.ts';
import { differences, stateOf } from './state-of.ts';

/** When the steps of a round began, for those who read the audit log afterwards. RFC 3339, by the clock of this machine. */
export interface Round {
  readonly name: string;
  readonly began: string;
  /** West does not want the module any more. */
  readonly westLeft: string;
  /** The module is deleted. */
  readonly deleted: string;
  /** Left out when it failed; then what it did not come to began when it was given up. */
  readonly ended?: string;
  /** Digests of the round's signed images, version by version. */
  readonly digests: readonly string[];
}

/** A round that ended well. */
export interface ToldRound extends Round {
  /** What there was of it with version 2 on both clusters; see {@link stateOf}. */
  readonly state: readonly string[];
}

const BOTH = ['east', 'west'] as const;

/** For all steps of a round: it must end, and say of what it failed, before its test runs out of time (vitest.config.ts). */
const ROUND_MS_MAX = 100_000;
/** For what hangs, on top of it: what fails says more. */
const HANGS_MS = 5_000;
/** Credentials end ten seconds after they are no good, and others have to be asked for. */
const TAKES_LONG: ReadonlySet<string> = new Set(['end token', 'replace agent', 'renew certificate']);
/** What is cleared away without anybody's waiting for it is gone by then. */
const SETTLED_MS = 3_000;

export interface RoundOptions {
  readonly isCalm?: boolean;
  /** The state that another round came to, which this one must come to. */
  readonly state?: readonly string[];
  /** Of the round, when it failed too. */
  readonly told?: (round: Round) => void;
}

/** One life of a module on two clusters while things go wrong: shipped, changed, taken from west, deleted. */
export async function tellRound(
  fleet: FaultFleet,
  seed: number,
  module: string,
  options: RoundOptions = {},
): Promise<ToldRound> {
  const names = { name: `round-${seed}`, module };
  const { name } = names;
  const hub = fleet.client('hub');
  const strikes = options.isCalm ? [] : planStrikes(seed);
  const times: string[] = [];
  /** Those that take long go on beside the next steps. */
  const underWay: Promise<void>[] = [];
  let state: readonly string[] = [];
  const endMs = Date.now() + ROUND_MS_MAX;

  /** Does something, lets things go wrong meanwhile, and waits until what must come has come. */
  const step = async (
    number: number,
    act: () => Promise<unknown>,
    what: string,
    missing: () => readonly string[],
  ) => {
    const told = `seed ${seed}, step ${number + 1}: ${what}`;
    times.push(new Date().toISOString());
    const struck = (strikes[number] ?? []).map(async ({ atMs, strike }) => {
      await sleep(atMs);
      const ended = fleet.strike(strike);
      if (!TAKES_LONG.has(strike.what)) return ended;
      ended.catch(() => {});
      underWay.push(ended);
    });
    await inTime(told, Promise.all([patiently(act, endMs), ...struck]), endMs + HANGS_MS);
    await until(told, missing, { endMs });
  };
  const put = async (version: 1 | 2) =>
    hub.apply(RESOURCES.managedClusterModule, faultModule(fleet, names, version), {
      fieldManager: 'user',
      force: true,
    });
  const label = (cluster: string, value: string | null) =>
    hub.mergePatch(
      RESOURCES.managedCluster,
      { name: cluster },
      { metadata: { labels: { [name]: value } } },
      {},
    );
  const digests: string[] = [];
  const digestOf = (version: 1 | 2) => readyDigest(fleet, `${fleet.images.registry}/${name}:v${version}`);
  const unshipped = (version: 1 | 2) => {
    const digest = digestOf(version);
    if (!digest) return ['the hub has no signed image'];
    const missing = BOTH.flatMap((cluster) => lacks(fleet, cluster, names, digest));
    missing.push(...untold(fleet, name, BOTH.length));
    if (missing.length === 0) digests[version - 1] = digest;
    return missing;
  };
  const now = () => stateOf(fleet.look, names);
  const drop = () => hub.delete(RESOURCES.managedClusterModule, { name }, {});

  try {
    for (const cluster of BOTH) await patiently(() => label(cluster, 'wanted'), endMs);
    await step(
      0,
      () => put(1),
      'version 1 is loaded on both',
      () => unshipped(1),
    );
    await step(
      1,
      () => put(2),
      'version 2 is loaded on both',
      () => {
        const missing = unshipped(2);
        return missing.length > 0 || !options.state ? missing : differences(options.state, now());
      },
    );
    if (!options.state) await sleep(SETTLED_MS);
    state = now();
    const pod = await patiently(() => loaderUid(fleet, 'east', name), endMs);
    await step(
      2,
      () => label('west', null),
      'west is empty',
      () => [...leftOf(fleet, 'west', names), ...untold(fleet, name, 1)],
    );
    const after = await patiently(() => loaderUid(fleet, 'east', name), endMs);
    if (after !== pod) throw new Error(`seed ${seed}: east's loader was replaced when west left`);
    await step(3, drop, 'everything is gone', () => [
      ...leftOf(fleet, 'east', names),
      ...(isForgotten(fleet, name) ? [] : ['the hub has its images']),
    ]);
    await inTime(`seed ${seed}: what struck it`, Promise.all(underWay), endMs + HANGS_MS);
  } catch (error) {
    // What may have been shipped, though not all was seen that must come of it.
    digests.push(...([1, 2] as const).flatMap((version) => digestOf(version) ?? []));
    options.told?.(roundOf(name, times, digests));
    const loaders = await loadersTold(fleet, times[0] ?? new Date().toISOString());
    // What is left of it would be in the way of the next round with this module.
    void drop().catch(() => {});
    throw new Error([(error as Error).message, ...loaders].join('\n'), { cause: error });
  }
  const round = { ...roundOf(name, times, digests), state, ended: new Date().toISOString() };
  options.told?.(round);
  return round;
}

function roundOf(name: string, times: readonly string[], digests: readonly string[]): Round {
  const now = new Date().toISOString();
  const [began = now, , westLeft = now, deleted = now] = times;
  return { name, began, westLeft, deleted, digests };
}
