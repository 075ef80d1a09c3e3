import { FINALIZERS, LABELS, READY_LABEL, RESOURCES } from '@kmm-fleet/api';
import { type Edition, installedKey } from '@kmm-fleet/policies';
import {
  CORE,
  isAppError,
  type KubeClient,
  type KubeObject,
  type ListOptions,
  listAll,
  type ResourceType,
} from '@kmm-fleet/runtime';
import type { Held, Mode, Seen, SeenModule } from './plan-uninstall.ts';

/** What modules an edition has on its cluster, and what they have left there. */
export type ModulesSeen = Pick<Seen, 'modules' | 'traces' | 'held' | 'neededKinds'>;

/** A hub may be on a cluster that it manages: images there are its own. */
export async function seeModules(client: KubeClient, edition: Edition, mode: Mode): Promise<ModulesSeen> {
  const [modules, onNodes, images] = await Promise.all([
    listModules(client, edition),
    edition.name === 'hub' ? seeWorks(client) : seeNodes(client, mode),
    listKnown(client, RESOURCES.moduleImage),
  ]);
  const own = edition.name === 'spoke' ? [] : images;
  return {
    modules: modules.map(({ seen }) => seen),
    traces: [...onNodes.traces, ...own.map((image) => keyOf(RESOURCES.moduleImage, image))],
    held: [...(mode === 'keep' ? modules.flatMap(({ held }) => held) : []), ...onNodes.held],
    neededKinds: own.length < images.length ? [definitionOf(RESOURCES.moduleImage)] : [],
  };
}

/** The name of a kind's CustomResourceDefinition. */
export const definitionOf = ({ plural, group }: ResourceType) => `${plural}.${group}`;

export const isDeleting = ({ metadata }: KubeObject) => metadata.deletionTimestamp !== undefined;

export const keyOf = (type: ResourceType, object: KubeObject) => installedKey(placeOf(type, object));

const placeOf = (type: ResourceType, { metadata: { namespace, name } }: KubeObject) => ({
  type,
  name: { ...(namespace && { namespace }), name },
});

/** What is listed of a kind that the cluster does not know: nothing. */
export async function listKnown(
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

async function listModules(
  client: KubeClient,
  { moduleKind: type }: Edition,
): Promise<{ readonly seen: SeenModule; readonly held: Held[] }[]> {
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
