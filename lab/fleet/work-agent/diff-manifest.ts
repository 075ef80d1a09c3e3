import { deepEqual, type KubeObject, type OwnerReference } from '@kmm-fleet/runtime';

/**
 * What strategy Update writes for an object that is there: the manifest with the live labels, annotations and owners
 * merged in and the live finalizers kept; undefined when nothing differs. All but metadata and status is compared, so
 * fields that others added under spec are taken away: that is OCM's behaviour.
 */
export function diffManifest(
  manifest: KubeObject,
  live: KubeObject,
  owners: readonly OwnerReference[],
): KubeObject | undefined {
  const labels = mergeMap(live.metadata.labels, manifest.metadata.labels);
  const annotations = mergeMap(live.metadata.annotations, manifest.metadata.annotations);
  const isSame =
    deepEqual(labels, live.metadata.labels ?? {}) &&
    deepEqual(annotations, live.metadata.annotations ?? {}) &&
    deepEqual(owners, live.metadata.ownerReferences ?? []) &&
    deepEqual(body(manifest), body(live));
  if (isSame) return undefined;
  const { name, namespace, resourceVersion = '', finalizers } = live.metadata;
  return {
    ...manifest,
    metadata: {
      name,
      ...(namespace && { namespace }),
      resourceVersion,
      labels,
      annotations,
      ownerReferences: [...owners],
      ...(finalizers && { finalizers }),
    },
  };
}

/** Owners of an object after this work joined them, or left them under Orphan. */
export function mergeOwners(
  existing: readonly OwnerReference[] | undefined,
  owner: OwnerReference,
  isOrphaned: boolean,
): OwnerReference[] {
  const all = existing ?? [];
  if (isOrphaned) return all.filter(({ uid }) => uid !== owner.uid);
  return all.some(({ uid }) => uid === owner.uid) ? [...all] : [...all, owner];
}

/** A key that ends in `-` takes the entry away. */
function mergeMap(
  live: Readonly<Record<string, string>> | undefined,
  wanted: Readonly<Record<string, string>> | undefined,
): Record<string, string> {
  const merged = { ...live };
  for (const [key, value] of Object.entries(wanted ?? {})) {
    if (key.endsWith('-')) delete merged[key.slice(0, -1)];
    else merged[key] = value;
  }
  return merged;
}

function body(object: KubeObject): object {
  const { metadata: _metadata, status: _status, ...rest } = object as KubeObject & { status?: unknown };
  return rest;
}
