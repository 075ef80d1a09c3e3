import { RESOURCES } from '@kmm-fleet/api';
import { type Edition, editions, type InstalledObject, installedObjects } from '@kmm-fleet/policies';
import { type Clock, CORE, createLimiter, type KubeClient, type KubeObject } from '@kmm-fleet/runtime';
import { managedBy } from './managed-by.ts';
import type { Mode, Seen, Wait } from './plan-uninstall.ts';
import { definitionOf, isDeleting, keyOf, type ModulesSeen, seeModules } from './see-modules.ts';
import { createLeaseWatch, listPods, needsOperator } from './see-operator.ts';

export interface ObserverPorts {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Told what takes its time. */
  tell(text: string): void;
}

/**
 * Looks for all that an edition may have on a cluster, and for what its modules have left there.
 *
 * @param waitsOn looks for this alone, and takes the rest as it was seen last: a fleet is large, and waits are long
 */
export type Observe = (waitsOn?: Wait['on']) => Promise<Seen>;

/** What is looked for apart. */
interface Parts {
  readonly installed: Pick<Seen, 'present' | 'keeper'>;
  readonly operatorPods: readonly string[];
  readonly ofModules: ModulesSeen;
  readonly others: readonly string[];
}

/** An operator may end while modules are waited for, and then nobody unloads them. */
const AWAITED: Readonly<Record<Wait['on'], readonly (keyof Parts)[]>> = {
  modules: ['operatorPods', 'ofModules'],
  operator: ['operatorPods'],
  objects: ['installed'],
};

export function createUninstallObserver(
  ports: ObserverPorts,
  edition: Edition,
  namespace: string,
  mode: Mode,
): Observe {
  const { client } = ports;
  const objects = installedObjects(edition, namespace);
  const isLeaseRenewed = createLeaseWatch(ports, objects);
  let last: Parts | undefined;

  return async (waitsOn) => {
    const see = async <Part extends keyof Parts>(part: Part, look: () => Promise<Parts[Part]>) =>
      last && waitsOn && !AWAITED[waitsOn].includes(part) ? last[part] : look();
    const [installed, operatorPods, ofModules, others] = await Promise.all([
      see('installed', () => seeInstalled(client, edition, objects)),
      see('operatorPods', async () => (await listPods(client, edition, namespace)).map(keyOfPod)),
      see('ofModules', () => seeModules(client, edition, mode)),
      see('others', () => kindsOfOthers(client, edition)),
    ]);
    last = { installed, operatorPods, ofModules, others };
    const { modules, traces, held, neededKinds } = ofModules;
    const isRunning = operatorPods.length > 0 || (needsOperator(mode, modules) && (await isLeaseRenewed()));
    return {
      ...{ mode, ...installed, operatorPods, isRunning, modules, traces, held },
      neededKinds: [...others, ...neededKinds],
    };
  };
}

const keyOfPod = (pod: KubeObject) => keyOf(CORE.pod, pod);

const ASKED_AT_ONCE = 16;

async function seeInstalled(
  client: KubeClient,
  edition: Edition,
  objects: readonly InstalledObject[],
): Promise<Parts['installed']> {
  const limit = createLimiter(ASKED_AT_ONCE);
  const all = await Promise.all(
    objects.map((object) =>
      limit.run(async () => ({ ...object, found: await client.get(object.type, object.name) })),
    ),
  );
  const deployment = all.find(({ type }) => type.kind === CORE.deployment.kind)?.found;
  return {
    present: all.flatMap(({ found, ...object }) =>
      found ? [{ ...object, isDeleting: isDeleting(found) }] : [],
    ),
    keeper: deployment && managedBy(edition, deployment),
  };
}

/** A hub may be on a cluster that it manages, and the two have a kind in common. */
async function kindsOfOthers(client: KubeClient, edition: Edition): Promise<string[]> {
  const others = Object.values(editions).filter(({ deployment }) => deployment !== edition.deployment);
  const needed = await Promise.all(
    others.map(async ({ namespace, deployment: name, kinds }) =>
      (await client.get(CORE.deployment, { namespace, name })) ? kinds : [],
    ),
  );
  const types = Object.values(RESOURCES).filter(({ plural }) => needed.flat().includes(plural));
  return types.map(definitionOf);
}
