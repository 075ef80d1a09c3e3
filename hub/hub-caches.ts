import {
  type Checked,
  checkManagedClusterModule,
  LABELS,
  type ManagedClusterModule,
  type ManifestWork,
  RESOURCES,
} from '@kmm-fleet/api';
import {
  type Clock,
  createCache,
  type KubeClient,
  type KubeObject,
  type Log,
  type Metrics,
  type Random,
  type WatchedCache,
} from '@kmm-fleet/runtime';
import { type ClusterView, clusterView } from './clusters/cluster-view.ts';
import { LABEL_INDEX, labelTerms } from './targets/target-index.ts';
import { createSharing } from './works/share-equal.ts';

/** A ManagedClusterModule with the verdict on it, so that it is judged once per change. */
export interface McmView {
  readonly metadata: KubeObject['metadata'];
  readonly object: KubeObject;
  readonly checked: Checked<ManagedClusterModule>;
}

export interface HubCaches {
  readonly clusters: WatchedCache<ClusterView>;
  readonly mcms: WatchedCache<McmView>;
  readonly works: WatchedCache<ManifestWork>;
}

/** What the hub watches besides images and their inputs. */
export function createHubCaches(ports: {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics?: Metrics | undefined;
}): HubCaches {
  return {
    clusters: createCache<ClusterView>({
      ...ports,
      type: RESOURCES.managedCluster,
      transform: clusterView,
      indexes: { [LABEL_INDEX]: labelTerms },
    }),
    mcms: createCache<McmView>({ ...ports, type: RESOURCES.managedClusterModule, transform: mcmView }),
    works: createCache<ManifestWork>({
      ...ports,
      type: RESOURCES.manifestWork,
      labelSelector: LABELS.managedClusterModule,
      transform: workViews(),
    }),
  };
}

function mcmView(object: KubeObject): McmView {
  return { metadata: object.metadata, object, checked: checkManagedClusterModule(object) };
}

function workViews(): (object: KubeObject, before: ManifestWork | undefined) => ManifestWork {
  const share = createSharing();
  return (object, before) => {
    const { spec } = object as { spec?: object };
    const kept = isOfOneSpec(object, before) ? before?.spec : spec && share(spec);
    return { ...object, ...(kept && { spec: kept }) } as unknown as ManifestWork;
  };
}

/** Servers count how often a spec was changed, so that what is told of a status need not be compared with it. */
function isOfOneSpec({ metadata }: KubeObject, before: ManifestWork | undefined): boolean {
  const { uid, generation } = metadata;
  return (
    generation !== undefined && generation === before?.metadata.generation && uid === before.metadata.uid
  );
}
