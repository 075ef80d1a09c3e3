import { RESOURCES } from '@kmm-fleet/api';
import {
  CORE,
  systemClock as clock,
  createCache,
  type KubeClient,
  type KubeObject,
  type ResourceType,
  systemRandom as random,
  silentLog,
} from '@kmm-fleet/runtime';
import type { Victim } from './plan-strikes.ts';

/** Objects of a kind on a plane. */
export type Look = <T = KubeObject>(plane: Victim, type: ResourceType) => T[];

const ON_CLUSTER = [RESOURCES.module, CORE.daemonSet, CORE.pod, CORE.node];
const KINDS: Readonly<Record<Victim, readonly ResourceType[]>> = {
  hub: [RESOURCES.managedClusterModule, RESOURCES.moduleImage, RESOURCES.manifestWork],
  east: ON_CLUSTER,
  west: ON_CLUSTER,
};

/** Watches what rounds look at, again and again: a third of all requests were such looks. Resolves when all is listed. */
export async function watchPlanes(client: (name: Victim) => KubeClient, signal: AbortSignal): Promise<Look> {
  const watches = (['hub', 'east', 'west'] as const).flatMap((plane) =>
    KINDS[plane].map((type) => ({
      plane,
      type,
      cache: createCache({ client: client(plane), clock, random, log: silentLog, type }),
    })),
  );
  for (const { cache } of watches) void cache.run(signal);
  await Promise.all(watches.map(({ cache }) => cache.whenSynced()));
  return (plane, type) => {
    const found = watches.find((watch) => watch.plane === plane && watch.type === type);
    if (!found) throw new RangeError(`nobody watches ${type.kind} on ${plane}`);
    return [...found.cache.all()] as never;
  };
}
