import type { Schema } from '../schema/structural.ts';

/** How the items of a list are told apart when two writers meet in it. */
export type ListType =
  | { readonly type: 'atomic' }
  | { readonly type: 'set' }
  | { readonly type: 'map'; readonly keys: readonly string[] };

/** Lists of built-in kinds by the name of their field: what strategic merge and server-side apply know of them. */
const BUILT_IN: Readonly<Record<string, ListType>> = {
  containers: { type: 'map', keys: ['name'] },
  initContainers: { type: 'map', keys: ['name'] },
  volumes: { type: 'map', keys: ['name'] },
  volumeMounts: { type: 'map', keys: ['mountPath'] },
  env: { type: 'map', keys: ['name'] },
  ports: { type: 'map', keys: ['containerPort', 'protocol'] },
  imagePullSecrets: { type: 'map', keys: ['name'] },
  conditions: { type: 'map', keys: ['type'] },
  ownerReferences: { type: 'map', keys: ['uid'] },
  finalizers: { type: 'set' },
};
const ATOMIC: ListType = { type: 'atomic' };

/** The list type of a field: from the schema of a custom resource, else from what is known of built-in kinds. */
export function listTypeOf(field: string, schema: Schema | undefined, isCustom: boolean): ListType {
  if (schema?.['x-kubernetes-list-type'] === 'set') return { type: 'set' };
  if (schema?.['x-kubernetes-list-type'] === 'map')
    return { type: 'map', keys: schema['x-kubernetes-list-map-keys'] ?? [] };
  const isMetadata = field === 'ownerReferences' || field === 'finalizers';
  return isCustom && !isMetadata ? ATOMIC : (BUILT_IN[field] ?? ATOMIC);
}

/** Identity of an item in a list of type map, as it stands in managedFields. */
export function itemKey(item: unknown, keys: readonly string[]): string {
  const object = (item ?? {}) as Record<string, unknown>;
  const present = keys.filter((key) => object[key] !== undefined).sort();
  return JSON.stringify(Object.fromEntries(present.map((key) => [key, object[key]])));
}
