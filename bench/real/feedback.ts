import { performance } from 'node:perf_hooks';
import { type ManifestWork, RESOURCES } from '@kmm-fleet/api';
import {
  systemClock as clock,
  createCache,
  type KubeClient,
  type KubeObject,
  systemRandom as random,
  silentLog,
} from '@kmm-fleet/runtime';
import type { Figure } from '../measure.ts';
import { clusterNamed, planOn } from '../planned-work.ts';
import { latency, pause, until } from './measuring.ts';

/** Of the fleet in which it is measured. */
export const CLUSTER = 'c1';
const CHANGES = 30;
const NAME = { namespace: 'openshift-kmm', name: 'kmod' };

/** How long OCM's own agent needs from a change of a Module's status to the ManifestWork on the hub. */
export async function feedbackLatency(hub: KubeClient, spoke: KubeClient): Promise<Figure> {
  const times = await feedbackTimes(hub, spoke);
  return latency("a Module's status → the hub, by OCM's agent, in ms", times, 100, '10.4 s');
}

async function feedbackTimes(hub: KubeClient, spoke: KubeClient): Promise<number[]> {
  const works = createCache<ManifestWork>({
    ...{ client: hub, clock, random, log: silentLog, type: RESOURCES.manifestWork },
    transform: (work) => work as unknown as ManifestWork,
  });
  const watching = new AbortController();
  void works.run(watching.signal);
  await works.whenSynced();
  const isTold = (count: number) =>
    [...works.all()]
      .flatMap(({ status }) => status?.resourceStatus?.manifests?.[0]?.statusFeedback?.values ?? [])
      .some(
        ({ name, fieldValue }) => name === 'moduleLoader.availableNumber' && fieldValue.integer === count,
      );
  const change = async (count: number) => {
    const numbers = { nodesMatchingSelectorNumber: count, desiredNumber: count, availableNumber: count };
    await spoke.mergePatch(
      RESOURCES.module,
      NAME,
      { status: { moduleLoader: numbers } },
      { subresource: 'status' },
    );
    const started = performance.now();
    await until('the feedback', () => isTold(count), { pauseMs: 1 });
    return performance.now() - started;
  };
  await hub.create(RESOURCES.manifestWork, work());
  await until('the Module', async () => (await spoke.get(RESOURCES.module, NAME)) !== undefined);
  await change(1); // The agent opens its watch.
  const times: number[] = [];
  for (let count = 2; count < CHANGES + 2; count += 1) {
    times.push(await change(count));
    await pause(200);
  }
  watching.abort();
  return times;
}

/** What our hub sends to a cluster. */
function work(): KubeObject {
  const { action } = planOn(clusterNamed(CLUSTER));
  if (action.kind !== 'apply') throw new Error(`the hub would not send it: ${action.kind}`);
  const { ownerReferences: _, ...metadata } = action.work.metadata;
  return { ...action.work, metadata } as unknown as KubeObject;
}
