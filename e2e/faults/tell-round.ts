import { setTimeout as sleep } from 'node:timers/promises';
import { RESOURCES } from '@kmm-fleet/api';
import { type FaultFleet, faultModule } from './fault-fleet.ts';
import { isEmpty, isForgotten, loaderUid, patiently, readyDigest, runs, until } from './observe.ts';
import { planStrikes } from './plan-strikes.ts';

/** When the steps of a round began, for those who read the audit log afterwards. RFC 3339, by the clock of this machine. */
export interface Round {
  readonly name: string;
  readonly began: string;
  /** West does not want the module any more. */
  readonly westLeft: string;
  /** The module is deleted. */
  readonly deleted: string;
  readonly ended: string;
  /** Digests of the round's signed images, version by version. */
  readonly digests: readonly string[];
}

const BOTH = ['east', 'west'] as const;

/** One life of a module on two clusters while things go wrong: shipped, changed, taken from west, deleted. */
export async function tellRound(
  fleet: FaultFleet,
  seed: number,
  module: string,
  options: { readonly isCalm?: boolean; readonly canRestart?: boolean } = {},
): Promise<Round> {
  const names = { name: `round-${seed}`, module };
  const { name } = names;
  const hub = fleet.client('hub');
  const strikes = options.isCalm ? [] : planStrikes(seed, 4, options.canRestart ?? false);
  const times: string[] = [];

  /** Does something, lets things go wrong meanwhile, and waits until what must come has come. */
  const step = async (number: number, act: () => Promise<unknown>, what: string, seen: () => boolean) => {
    times.push(new Date().toISOString());
    const struck = (strikes[number] ?? []).map(async ({ atMs, strike }) => {
      await sleep(atMs);
      await fleet.strike(strike);
    });
    await patiently(act);
    await Promise.all(struck);
    await until(`seed ${seed}, step ${number + 1}: ${what}`, seen);
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
  const isShipped = (version: 1 | 2) => {
    const digest = readyDigest(fleet, `${fleet.images.registry}/${name}:v${version}`);
    if (!digest || !BOTH.every((cluster) => runs(fleet, cluster, names, digest))) return false;
    digests.push(digest);
    return true;
  };

  for (const cluster of BOTH) await patiently(() => label(cluster, 'wanted'));
  await step(
    0,
    () => put(1),
    'version 1 is loaded on both',
    () => isShipped(1),
  );
  await step(
    1,
    () => put(2),
    'version 2 is loaded on both',
    () => isShipped(2),
  );
  const pod = await loaderUid(fleet, 'east', name);
  await step(
    2,
    () => label('west', null),
    'west is empty',
    () => isEmpty(fleet, 'west', names),
  );
  const after = await loaderUid(fleet, 'east', name);
  if (after !== pod) throw new Error(`seed ${seed}: east's loader was replaced when west left`);
  await step(
    3,
    () => hub.delete(RESOURCES.managedClusterModule, { name }, {}),
    'everything is gone',
    () => isEmpty(fleet, 'east', names) && isForgotten(fleet, name),
  );
  const [began = '', , westLeft = '', deleted = ''] = times;
  return { name, began, westLeft, deleted, ended: new Date().toISOString(), digests };
}
