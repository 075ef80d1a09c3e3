import { cannotPull, matchesSelector } from '@kmm-fleet/api';
import {
  type Builder,
  createImages,
  createSystems,
  createWantedImages,
  type ImageLimits,
  isSameImage,
  isWanted,
  type Registry,
  reconcileImageObject,
} from '@kmm-fleet/images';
import {
  aborted,
  blindKinds,
  createQueue,
  type Operator,
  type OperatorPorts,
  type Queue,
} from '@kmm-fleet/runtime';
import { countClaimProblems } from './clusters/claim-problems.ts';
import { isSameCluster } from './clusters/cluster-view.ts';
import { createHubCaches, type McmView } from './hub-caches.ts';
import { createLeavers } from './status/leavers.ts';
import { createModuleMetrics } from './status/module-metrics.ts';
import { CALM_MS, createPace } from './status/pace.ts';
import { reconcileMcmStatus } from './status/reconcile-mcm.ts';
import { createTally, type Tally } from './status/tally.ts';
import { clustersFor, createModuleIndex } from './targets/target-index.ts';
import { createApplyTimes } from './works/apply-times.ts';
import { itemStatus } from './works/item-status.ts';
import { createKernelImages } from './works/kernel-images.ts';
import { createKnownWorks } from './works/known-works.ts';
import type { WorkInput } from './works/plan-work.ts';
import { type Item, reconcileWork, type WorkPorts } from './works/reconcile-work.ts';

export interface HubPorts extends OperatorPorts {
  readonly registry: Registry;
  /** Undefined: somebody else builds. */
  readonly builder: Builder | undefined;
  readonly limits?: ImageLimits;
  readonly operatorNamespace: string;
}

export interface Hub extends Operator {
  /** Nothing waits and nothing runs. */
  settled(): boolean;
}

const FIELD_MANAGER = 'kmm-hub';
/** Writes in flight: 3,500 works at 20 ms each take a second. */
const WORKS_MAX = 64;

/** The stages of the hub, each with a queue keyed by the smallest thing that changes alone. */
export function createHub(ports: HubPorts): Hub {
  const { client, clock, random, log, metrics } = ports;
  const caches = createHubCaches(ports);
  const systems = createSystems();
  const factory = createImages({ ...ports, systems, inputNamespace: ports.operatorNamespace });
  const wanted = createWantedImages();
  const modules = createModuleIndex();
  const tallies = new Map<string, Tally>();
  const moduleMetrics = createModuleMetrics(metrics);
  const applying = createApplyTimes(metrics, clock);
  const pace = createPace(clock);
  const leavers = createLeavers();
  const kernelImages = createKernelImages(ports.operatorNamespace);
  const known = createKnownWorks();
  /** Items that were not planned yet since the start; undefined before the first list. */
  let unplanned: Set<string> | undefined;

  const tallyOf = (module: string) => {
    const tally = tallies.get(module) ?? createTally();
    tallies.set(module, tally);
    return tally;
  };

  const planned = () => unplanned?.size === 0;

  const observe = (item: Item): WorkInput => {
    const mcm = caches.mcms.get(item.module);
    const cluster = caches.clusters.get(item.cluster);
    return {
      mcm:
        mcm && !mcm.metadata.deletionTimestamp
          ? { uid: mcm.metadata.uid ?? '', checked: mcm.checked }
          : undefined,
      cluster,
      isSelected: Boolean(
        cluster && mcm?.checked.ok && matchesSelector(mcm.checked.value.spec.selector, cluster.labels),
      ),
      kernelImages,
      image: (name, spec) => {
        const image = factory.images.get(name);
        return image && isWanted(image, spec) ? image : undefined;
      },
      work: workOf(item),
    };
  };

  const watched = ({ module, cluster }: Item) => caches.works.get(`${cluster}/${module}`);

  const workOf = (item: Item) => known.newest(keyOf(item), watched(item));

  /** Counts what a cluster reports of its work, by what was decided for it. */
  const judge = (item: Item) => {
    const key = keyOf(item);
    const outlook = known.outlook(key);
    const state = outlook && itemStatus(outlook, workOf(item));
    applying.report(key, state);
    tallyOf(item.module).set(item.cluster, state);
    if (!state) known.forget(key);
    if (state && cannotPull(state.reason)) for (const name of wanted.imagesOf(key)) factory.doubt(name);
    tellSoon(item.module);
  };

  const workPorts: WorkPorts = {
    client,
    log,
    observe,
    want: (item, list) => addAll(imageObjects, wanted.set(keyOf(item), item.module, list)),
    writes: (item, work) => known.writes(keyOf(item), work),
    wrote(item, stored) {
      const key = keyOf(item);
      if (!known.wrote(key, stored, watched(item), caches.works.version)) works.add(key);
      applying.wrote(key);
      judge(item);
    },
    left({ module, cluster }) {
      leavers.left(module, cluster);
      tellSoon(module);
    },
    report(item, outlook) {
      known.decided(keyOf(item), outlook);
      judge(item);
    },
  };

  const works = createQueue({
    name: 'works',
    concurrency: WORKS_MAX,
    clock,
    random,
    log,
    metrics,
    reconcile: async (key, signal) => {
      try {
        return await reconcileWork(parseKey(key), workPorts, signal);
      } catch (error) {
        known.forget(key);
        throw error;
      } finally {
        markPlanned(key);
      }
    },
  });

  const imageObjects = createQueue({
    name: 'image-objects',
    concurrency: 8,
    clock,
    random,
    log,
    metrics,
    reconcile: (name, signal) =>
      reconcileImageObject(
        name,
        { client, log, images: factory.images, wanted, fieldManager: FIELD_MANAGER, isComplete: planned },
        signal,
      ),
  });

  const statuses = createQueue({
    name: 'statuses',
    clock,
    random,
    log,
    metrics,
    reconcile: async (module, signal) => {
      const mcm = caches.mcms.get(module);
      // Until all clusters were looked at once, the sums would be those of a part of the fleet.
      if (!planned()) return { requeueAfterMs: CALM_MS };
      if (!mcm || mcm.metadata.deletionTimestamp) return forget(module);
      const waitMs = pace.waitMs(module);
      if (waitMs > 0) return { requeueAfterMs: waitMs };
      moduleMetrics.set(module, tallyOf(module).counts);
      pace.summed(module);
      const gone = leavers.take(module);
      if (gone) ports.events.record(mcm.object, gone);
      const warnings = wanted
        .imagesOfModule(module)
        .flatMap((name) => factory.images.get(name)?.status?.conditions ?? []);
      if (await reconcileMcmStatus(mcm, tallyOf(module), warnings, ports, signal)) pace.told(module);
      return undefined;
    },
  });

  const tellSoon = (module: string) => {
    pace.heard(module);
    statuses.addAfter(module, pace.waitMs(module));
  };

  const forget = (module: string): undefined => {
    pace.forget(module);
    leavers.forget(module);
    moduleMetrics.remove(module);
    if (!caches.mcms.get(module)) tallies.delete(module);
  };

  const markPlanned = (key: string) => {
    if (!unplanned?.delete(key) || unplanned.size > 0) return;
    // Now it is known who wants which image, and which nobody wants any more.
    for (const { metadata } of factory.images.all()) imageObjects.add(metadata.name);
  };

  const itemsOfModule = (mcm: McmView | undefined, module: string): string[] => {
    const selected = mcm?.checked.ok ? clustersFor(caches.clusters, mcm.checked.value.spec.selector) : [];
    const known = [...(tallies.get(module)?.clusters() ?? [])];
    return [...new Set([...selected, ...known])].sort().map((cluster) => keyOf({ module, cluster }));
  };

  caches.mcms.onChange(({ key: module, before, after }) => {
    modules.set(module, after?.checked.ok ? after.checked.value.spec.selector : undefined);
    const isSameSpec =
      before &&
      after &&
      before.metadata.generation === after.metadata.generation &&
      before.metadata.deletionTimestamp === after.metadata.deletionTimestamp;
    if (!unplanned) return;
    // A status that is not what was told last is put right; one that is costs a comparison.
    if (isSameSpec) return statuses.add(module);
    addAll(works, itemsOfModule(after, module));
    tellSoon(module);
  });

  caches.clusters.onChange(({ key: cluster, before, after }) => {
    countClaimProblems(metrics, before, after);
    systems.set(cluster, after?.systems ?? []);
    if (!unplanned || isSameCluster(before, after)) return;
    const touched = [...modules.modulesFor(before?.labels ?? {}), ...modules.modulesFor(after?.labels ?? {})];
    addAll(
      works,
      [...new Set(touched)].map((module) => keyOf({ module, cluster })),
    );
  });

  caches.works.onChange(({ after, before }) => {
    const { name = '', namespace = '' } = (after ?? before)?.metadata ?? {};
    const item = { module: name, cluster: namespace };
    if (known.isNews(keyOf(item), before, after)) {
      if (unplanned) works.add(keyOf(item));
    } else judge(item);
  });

  // A work that came and went while nobody watched.
  caches.works.onList(() =>
    addAll(
      works,
      known.gone((key) => watched(parseKey(key)), caches.works.version),
    ),
  );

  factory.images.onChange(({ key: name, before, after }) => {
    if (!unplanned) return;
    imageObjects.add(name);
    if (!isSameImage(before, after)) addAll(works, wanted.itemsOf(name));
  });

  /** Everything that exists or should: planned once, so that a restart finds what it missed. */
  const planAll = () => {
    const keys = new Set<string>();
    for (const mcm of caches.mcms.all())
      for (const key of itemsOfModule(mcm, mcm.metadata.name)) keys.add(key);
    for (const { metadata } of caches.works.all()) {
      keys.add(keyOf({ module: metadata.name, cluster: metadata.namespace ?? '' }));
    }
    unplanned = keys;
    addAll(works, keys);
    for (const mcm of caches.mcms.all()) statuses.add(mcm.metadata.name);
    if (keys.size === 0) for (const { metadata } of factory.images.all()) imageObjects.add(metadata.name);
  };

  return {
    // Every item was planned once.
    ready: () => planned(),
    blind: () => [...blindKinds([caches.clusters, caches.mcms, caches.works]), ...factory.blind()],
    settled: () => planned() && factory.settled() && works.idle && imageObjects.idle && statuses.idle,
    async run(signal) {
      const watching = [caches.clusters, caches.mcms, caches.works];
      const running = [...watching.map((cache) => cache.run(signal)), factory.run(signal)];
      void caches.clusters.whenSynced().then(systems.complete);
      const synced = Promise.all([...watching.map((cache) => cache.whenSynced()), factory.whenSynced()]);
      await Promise.race([synced, aborted(signal)]);
      if (!signal.aborted) planAll();
      await Promise.all([...running, works.run(signal), imageObjects.run(signal), statuses.run(signal)]);
    },
  };
}

function addAll(queue: Queue, keys: Iterable<string>): void {
  for (const key of keys) queue.add(key);
}

const keyOf = ({ module, cluster }: Item) => `${module}/${cluster}`;

function parseKey(key: string): Item {
  const slash = key.indexOf('/');
  return { module: key.slice(0, slash), cluster: key.slice(slash + 1) };
}
