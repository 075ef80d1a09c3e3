import { FINALIZERS, LABELS, READY_LABEL, RESOURCES } from '@kmm-fleet/api';
import { type Edition, editions, installedKey, installedObjects, podLabels } from '@kmm-fleet/policies';
import {
  CORE,
  createLimiter,
  isAppError,
  type KubeClient,
  type KubeObject,
  type ListOptions,
  listAll,
  type ResourceType,
} from '@kmm-fleet/runtime';
import { DEPLOYMENT } from '../install/check/observe-install.ts';
import { keeperOf } from './keeper.ts';
import type { Held, Mode, Seen, SeenModule } from './plan-uninstall.ts';

const ASKED_AT_ONCE = 16;

/** Looks for all that an edition may have on a cluster, and for what its modules have left there. */
export async function observeUninstall(
  client: KubeClient,
  edition: Edition,
  namespace: string,
  mode: Mode,
): Promise<Seen> {
  const limit = createLimiter(ASKED_AT_ONCE);
  const labelSelector = Object.entries(podLabels(edition))
    .map(([key, value]) => `${key}=${value}`)
    .join();
  const [found, pods, modules, onNodes, images, neededKinds] = await Promise.all([
    Promise.all(
      installedObjects(edition, namespace).map((object) =>
        limit.run(async () => ({ ...object, found: await client.get(object.type, object.name) })),
      ),
    ),
    listKnown(client, CORE.pod, { namespace, labelSelector }),
    seeModules(client, edition),
    edition.name === 'hub' ? seeWorks(client) : seeNodes(client, mode),
    listKnown(client, RESOURCES.moduleImage),
    kindsOfOthers(client, edition),
  ]);
  const ownImages = edition.name === 'spoke' ? [] : images;
  const present = found.flatMap(({ found: there, ...object }) =>
    there ? [{ ...object, isDeleting: isDeleting(there) }] : [],
  );
  const objectOf = (kind: string) =>
    found.find(({ type, found: there }) => there && type.kind === kind)?.found;
  const deployment = objectOf('Deployment');
  return {
    mode,
    present,
    keeper: deployment && keeperOf(edition, deployment),
    operatorPods: pods.map((pod) => keyOf(CORE.pod, pod)),
    isRunning: pods.length > 0 || (!deployment && isHeld(objectOf('Lease'))),
    modules: modules.map(({ seen }) => seen),
    traces: [...onNodes.traces, ...ownImages.map((image) => keyOf(RESOURCES.moduleImage, image))],
    held: [...(mode === 'keep' ? modules.flatMap(({ held }) => held) : []), ...onNodes.held],
    neededKinds: [
      ...neededKinds,
      ...(images.length > ownImages.length ? [definitionOf(RESOURCES.moduleImage)] : []),
    ],
  };
}

const isDeleting = ({ metadata }: KubeObject) => metadata.deletionTimestamp !== undefined;
const definitionOf = ({ plural, group }: ResourceType) => `${plural}.${group}`;
const isHeld = (lease: KubeObject | undefined) =>
  Boolean((lease?.['spec'] as { readonly holderIdentity?: string } | undefined)?.holderIdentity);
const placeOf = (type: ResourceType, { metadata: { namespace, name } }: KubeObject) => ({
  type,
  name: { ...(namespace && { namespace }), name },
});
const keyOf = (type: ResourceType, object: KubeObject) => installedKey(placeOf(type, object));

/** What is listed of a kind that the cluster does not know: nothing. */
async function listKnown(
  client: KubeClient,
  type: ResourceType,
  options?: ListOptions,
): Promise<KubeObject[]> {
  try {
    return await listAll(client, type, options);
  } catch (error) {
    if (isAppError(error) && error.code === 'NOT_FOUND') return [];
    throw error;
  }
}

async function seeModules(
  client: KubeClient,
  { name }: Edition,
): Promise<{ readonly seen: SeenModule; readonly held: Held[] }[]> {
  const type = name === 'hub' ? RESOURCES.managedClusterModule : RESOURCES.module;
  const objects = await listKnown(client, type);
  return objects.map((object) => {
    const owners = object.metadata.ownerReferences ?? [];
    const isShipped = owners.some(({ kind }) => kind === RESOURCES.appliedManifestWork.kind);
    const seen = { ...placeOf(type, object), isDeleting: isDeleting(object), isShipped };
    return { seen, held: heldBy(type, object, FINALIZERS.module) };
  });
}

/** Works last as long as their cluster has not taken the Module away, which lasts until its nodes have unloaded. */
async function seeWorks(client: KubeClient): Promise<Pick<Seen, 'traces' | 'held'>> {
  const works = await listKnown(client, RESOURCES.manifestWork, {
    labelSelector: LABELS.managedClusterModule,
  });
  return { traces: works.map((work) => keyOf(RESOURCES.manifestWork, work)), held: [] };
}

/** Labels that select nodes for loaders stay as long as loaders do: without them every pod would go, and unload. */
async function seeNodes(client: KubeClient, mode: Mode): Promise<Pick<Seen, 'traces' | 'held'>> {
  const ours = { labelSelector: LABELS.moduleName };
  const [daemonSets, pods, nodes] = await Promise.all([
    listKnown(client, CORE.daemonSet, ours),
    listKnown(client, CORE.pod, ours),
    listKnown(client, CORE.node),
  ]);
  const loaded = nodes.filter(({ metadata }) =>
    Object.keys(metadata.labels ?? {}).some((label) => READY_LABEL.test(label)),
  );
  const labelled = nodes.filter(({ metadata }) => LABELS.kernelVersion in (metadata.labels ?? {}));
  const patch = { metadata: { labels: { [LABELS.kernelVersion]: null } } };
  return {
    traces: [
      ...daemonSets.map((object) => keyOf(CORE.daemonSet, object)),
      ...pods.map((object) => keyOf(CORE.pod, object)),
      ...loaded.map((object) => keyOf(CORE.node, object)),
    ],
    held:
      mode === 'keep'
        ? pods.flatMap((pod) => heldBy(CORE.pod, pod, FINALIZERS.nodeLabeler))
        : labelled.map((node) => ({ ...placeOf(CORE.node, node), patch })),
  };
}

/** Without an operator nobody would lift our finalizer: the object could never go, nor its namespace. */
function heldBy(type: ResourceType, object: KubeObject, finalizer: string): Held[] {
  const { finalizers = [], resourceVersion } = object.metadata;
  if (!finalizers.includes(finalizer)) return [];
  const left = finalizers.filter((name) => name !== finalizer);
  return [{ ...placeOf(type, object), patch: { metadata: { finalizers: left, resourceVersion } } }];
}

/** A hub may be on a cluster that it manages, and the two have a kind in common. */
async function kindsOfOthers(client: KubeClient, edition: Edition): Promise<string[]> {
  const others = Object.values(editions).filter(({ deployment }) => deployment !== edition.deployment);
  const needed = await Promise.all(
    others.map(async ({ namespace, deployment: name, kinds }) =>
      (await client.get(DEPLOYMENT, { namespace, name })) ? kinds : [],
    ),
  );
  const types = Object.values(RESOURCES).filter(({ plural }) => needed.flat().includes(plural));
  return types.map(definitionOf);
}
