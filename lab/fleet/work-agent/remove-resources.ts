import type { KubeClient, KubeObject, ResourceType } from '@kmm-fleet/runtime';
import type { AppliedResource } from './work-view.ts';

/**
 * Deletes what a work had applied and returns what is still there. Objects that other works own as well only lose
 * this owner; objects that were replaced or given up by the work are left alone.
 */
export async function removeResources(
  client: KubeClient,
  resources: readonly AppliedResource[],
  owner: string,
  signal: AbortSignal,
): Promise<AppliedResource[]> {
  const pending: AppliedResource[] = [];
  for (const resource of resources) {
    if (await isStillThere(client, resource, owner, signal)) pending.push(resource);
  }
  return pending;
}

async function isStillThere(
  client: KubeClient,
  resource: AppliedResource,
  owner: string,
  signal: AbortSignal,
): Promise<boolean> {
  const type = typeOf(resource);
  const live = await client.get(type, resource, signal);
  if (!live || live.metadata.uid !== resource.uid) return false;
  const owners = live.metadata.ownerReferences ?? [];
  if (!owners.some(({ uid }) => uid === owner)) return false;
  if (owners.some(({ uid, kind }) => uid !== owner && kind === 'AppliedManifestWork')) {
    await leave(client, type, live, owner, signal);
    return false;
  }
  if (live.metadata.deletionTimestamp) return true;
  await client.delete(type, resource, { uid: resource.uid, propagationPolicy: 'Background' }, signal);
  return (await client.get(type, resource, signal))?.metadata.uid === resource.uid;
}

async function leave(
  client: KubeClient,
  type: ResourceType,
  live: KubeObject,
  owner: string,
  signal: AbortSignal,
): Promise<void> {
  const { uid, resourceVersion } = live.metadata;
  const ownerReferences = (live.metadata.ownerReferences ?? []).filter(
    (reference) => reference.uid !== owner,
  );
  await client.mergePatch(
    type,
    live.metadata,
    { metadata: { uid, resourceVersion, ownerReferences } },
    {},
    signal,
  );
}

/** Enough of a type for requests: the kind itself is in none of them. */
export function typeOf({ group, version, resource, namespace }: AppliedResource): ResourceType {
  return { group, version, plural: resource, kind: resource, namespaced: namespace !== '' };
}
