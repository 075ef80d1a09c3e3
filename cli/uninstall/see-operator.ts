import { type Edition, type InstalledObject, podSelector } from '@kmm-fleet/policies';
import {
  type Clock,
  CORE,
  holderOf,
  type KubeClient,
  type KubeObject,
  renewedLease,
} from '@kmm-fleet/runtime';
import type { Mode, Seen } from './plan-uninstall.ts';
import { keyOf, listKnown } from './see-modules.ts';

/** The pods of an edition's Deployment. */
export const listPods = (client: KubeClient, edition: Edition, namespace: string): Promise<KubeObject[]> =>
  listKnown(client, CORE.pod, { namespace, labelSelector: podSelector(edition) });

/** Whether it matters that an operator works: it would unload, or is doing so. */
export const needsOperator = (mode: Mode, modules: Seen['modules']) =>
  modules.some(({ isDeleting }) => mode === 'unload' || isDeleting);

/**
 * Whether an operator works elsewhere than in a pod of its Deployment: it renews its lease. One that died holds its
 * lease for ever, and to tell the two apart takes as long as the lease lasts; so a dead one is remembered.
 *
 * @param tell told what takes its time, once per holder
 */
export function createLeaseWatch(
  { client, clock, tell }: { client: KubeClient; clock: Clock; tell: (text: string) => void },
  objects: readonly InstalledObject[],
): () => Promise<boolean> {
  const places = objects.filter(({ type }) => type.kind === CORE.lease.kind);
  let deadVersion: string | undefined;
  let told: string | undefined;
  const read = async () => {
    const found = await Promise.all(places.map(({ type, name }) => client.get(type, name)));
    return found.filter((lease) => lease !== undefined);
  };

  return async () => {
    const [lease] = await read();
    const holder = lease && holderOf(lease);
    if (!lease || !holder || lease.metadata.resourceVersion === deadVersion) return false;
    if (told !== holder) tell(`looking whether ${holder} still renews ${keyOf(CORE.lease, lease)}`);
    told = holder;
    if (await renewedLease(read, clock)) return true;
    deadVersion = lease.metadata.resourceVersion;
    return false;
  };
}
