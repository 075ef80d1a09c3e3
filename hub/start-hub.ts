import { type ManifestWork, matchesSelector } from '@kmm-fleet/api';
import {
  type Builder,
  createImages,
  createSystems,
  type ImageLimits,
  type Registry,
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
import { reconcileImageObject } from './images/reconcile-image-object.ts';
import { isSameImage } from './images/same-image.ts';
import { createWantedImages, isWanted } from './images/wanted-images.ts';
import { createModuleMetrics } from './status/module-metrics.ts';
import { reconcileMcmStatus } from './status/reconcile-mcm.ts';
import { createTally, type Tally } from './status/tally.ts';
import { clustersFor, createModuleIndex } from './targets/target-index.ts';
import { createApplyTimes } from './works/apply-times.ts';
import type { WorkInput } from './works/plan-work.ts';
import { type Item, reconcileWork } from './works/reconcile-work.ts';

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

/** Writes in flight: 3,500 works at 20 ms each take a second. */
const WORKS_MAX = 64;
/** What kubelets say when an image cannot be pulled: the registry may not have it any more. */
const CANNOT_PULL: ReadonlySet<string> = new Set(['ErrImagePull', 'ImagePullBackOff']);
/** A burst of events of one module becomes one status write. */
const STATUS_DEBOUNCE_MS = 300;
/** While events go on and on, its status is written no more often than this: 3,500 reports take some seconds. */
const STATUS_INTERVAL_MS = 1_500;

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
  /** When the status of a module was looked at last, in milliseconds since the epoch. */
  const reported = new Map<string, number>();
  /** Works as we wrote them, until the watch has caught up. */
  const written = new Map<string, ManifestWork>();
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
      operatorNamespace: ports.operatorNamespace,
      image: (name, spec) => {
        const image = factory.images.get(name);
        return image && isWanted(image, spec) ? image : undefined;
      },
      work: newest(caches.works.get(`${item.cluster}/${item.module}`), written.get(keyOf(item))),
    };
  };

  const works = createQueue({
    name: 'works',
    concurrency: WORKS_MAX,
    clock,
    random,
    log,
    metrics,
    reconcile: async (key, signal) => {
      const item = parseKey(key);
      const outcome = await reconcileWork(
        item,
        {
          client,
          log,
          observe,
          want: (_item, list) => addAll(imageObjects, wanted.set(key, item.module, list)),
          wrote: (_item, work) => {
            written.set(key, work);
            applying.wrote(key);
          },
          report: ({ module, cluster }, state) => {
            applying.report(key, state);
            tallyOf(module).set(cluster, state);
            if (state && CANNOT_PULL.has(state.reason))
              for (const name of wanted.imagesOf(key)) factory.doubt(name);
            statuses.addAfter(module, statusDelayMs(module));
          },
        },
        signal,
      ).finally(() => markPlanned(key));
      return outcome;
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
        { client, log, images: factory.images, wanted, isComplete: planned },
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
      if (!planned()) return { requeueAfterMs: STATUS_DEBOUNCE_MS };
      if (!mcm || mcm.metadata.deletionTimestamp) return forget(module);
      moduleMetrics.set(module, tallyOf(module).counts);
      reported.set(module, clock.now());
      const warnings = wanted
        .imagesOfModule(module)
        .flatMap((name) => factory.images.get(name)?.status?.conditions ?? []);
      return reconcileMcmStatus(mcm, tallyOf(module), warnings, ports, signal);
    },
  });

  const statusDelayMs = (module: string) =>
    Math.max(STATUS_DEBOUNCE_MS, (reported.get(module) ?? 0) + STATUS_INTERVAL_MS - clock.now());

  const forget = (module: string): undefined => {
    reported.delete(module);
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
    const isSame =
      before &&
      after &&
      before.metadata.generation === after.metadata.generation &&
      before.metadata.deletionTimestamp === after.metadata.deletionTimestamp;
    if (isSame || !unplanned) return;
    addAll(works, itemsOfModule(after, module));
    statuses.addAfter(module, STATUS_DEBOUNCE_MS);
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
    const key = keyOf({ module: name, cluster: namespace });
    if (!after || isNewer(after, written.get(key))) written.delete(key);
    if (unplanned) works.add(key);
  });

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

/** The work as last written or as last watched, whichever is of a later generation. */
function newest(
  watched: ManifestWork | undefined,
  written: ManifestWork | undefined,
): ManifestWork | undefined {
  return written && !(watched && isNewer(watched, written)) ? written : watched;
}

function isNewer(watched: ManifestWork, written: ManifestWork | undefined): boolean {
  if (!written || watched.metadata.uid !== written.metadata.uid) return true;
  return (watched.metadata.generation ?? 0) >= (written.metadata.generation ?? 0);
}
