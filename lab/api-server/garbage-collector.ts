import type { KubeObject, OwnerReference } from '@kmm-fleet/runtime';
import { deleteObject } from './deletes.ts';
import type { HostedKind } from './kinds.ts';
import { storageKey } from './kinds.ts';
import type { WritePorts } from './writes.ts';

interface CollectorPorts extends WritePorts {
  kinds(): readonly HostedKind[];
}

/** Time between an event and what follows from it: as in a cluster, nothing of this is instant. */
const DELAY_MS = 5;

/**
 * What kube-controller-manager's garbage collector and namespace controller do: dependents of a deleted owner go, an
 * owner that waits in the foreground goes after its dependents, a namespace goes when it is empty.
 */
export function startGarbageCollector(ports: CollectorPorts): void {
  const { store, clock } = ports;
  /** Owner uid → storage and key of its dependents. */
  const dependents = new Map<string, Set<string>>();
  const uids = new Set<string>();
  const address = (storage: string, key: string) => `${storage}\0${key}`;
  const keyOf = ({ metadata }: KubeObject) =>
    metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name;
  const owners = ({ metadata }: KubeObject): readonly OwnerReference[] => metadata.ownerReferences ?? [];

  const read = (at: string) => {
    const [storage = '', key = ''] = at.split('\0');
    const kind = ports.kinds().find((candidate) => storageKey(candidate) === storage);
    const object = store.get(storage, key);
    return kind && object ? { kind, key, storage, object } : undefined;
  };

  const orphaned = (at: string) => {
    const found = read(at);
    if (!found || owners(found.object).length === 0) return;
    const alive = owners(found.object).filter(({ uid }) => uids.has(uid));
    if (alive.length === owners(found.object).length) return;
    if (alive.length === 0 && found.object.metadata.deletionTimestamp) return;
    if (alive.length === 0) deleteObject(found.kind, found.key, found.object, {}, ports);
    else
      store.put(found.storage, found.key, {
        ...found.object,
        metadata: { ...found.object.metadata, ownerReferences: alive },
      });
  };

  const releaseForeground = (uid: string) => {
    const blocked = [...(dependents.get(uid) ?? [])].some((at) => read(at));
    if (!blocked) release(uid, 'foregroundDeletion');
  };

  /** Dependents of an owner that is deleted with `Orphan` stay, and know it no longer. */
  const orphan = (uid: string) => {
    for (const at of [...(dependents.get(uid) ?? [])]) {
      const found = read(at);
      if (!found) continue;
      const ownerReferences = owners(found.object).filter((owner) => owner.uid !== uid);
      const metadata = { ...found.object.metadata, ownerReferences };
      store.put(found.storage, found.key, { ...found.object, metadata });
    }
    release(uid, 'orphan');
  };

  const release = (uid: string, finalizer: string) => {
    for (const kind of ports.kinds()) {
      for (const object of store.list(storageKey(kind))) {
        if (object.metadata.uid !== uid || !object.metadata.finalizers?.includes(finalizer)) continue;
        const finalizers = object.metadata.finalizers.filter((name) => name !== finalizer);
        const next = { ...object, metadata: { ...object.metadata, finalizers } };
        if (finalizers.length > 0) store.put(storageKey(kind), keyOf(object), next);
        else store.remove(storageKey(kind), keyOf(object), next);
      }
    }
  };

  const emptyNamespace = (name: string) => {
    const namespace = store.get('/namespaces', name);
    if (!namespace?.metadata.deletionTimestamp) return;
    let left = 0;
    for (const kind of ports.kinds().filter(({ namespaced }) => namespaced)) {
      for (const object of store.list(storageKey(kind))) {
        if (object.metadata.namespace !== name) continue;
        deleteObject(kind, keyOf(object), object, {}, ports);
        if (store.get(storageKey(kind), keyOf(object))) left += 1;
      }
    }
    if (left === 0) store.remove('/namespaces', name, namespace);
    else clock.after(1_000, () => emptyNamespace(name));
  };

  store.onEvent((storage, { type, object, before }) => {
    const { uid = '' } = object.metadata;
    const at = address(storage, keyOf(object));
    for (const owner of before ? owners(before) : []) dependents.get(owner.uid)?.delete(at);
    if (type === 'DELETED') {
      uids.delete(uid);
      const left = [...(dependents.get(uid) ?? [])];
      if (left.length > 0) clock.after(DELAY_MS, () => left.forEach(orphaned));
      for (const owner of owners(object)) clock.after(DELAY_MS, () => releaseForeground(owner.uid));
      return;
    }
    uids.add(uid);
    for (const owner of owners(object))
      dependents.set(owner.uid, (dependents.get(owner.uid) ?? new Set()).add(at));
    if (owners(object).some((owner) => !uids.has(owner.uid))) clock.after(DELAY_MS, () => orphaned(at));
    if (!object.metadata.deletionTimestamp) return;
    if (storage === '/namespaces') clock.after(DELAY_MS, () => emptyNamespace(object.metadata.name));
    if (object.metadata.finalizers?.includes('orphan')) clock.after(DELAY_MS, () => orphan(uid));
    if (object.metadata.finalizers?.includes('foregroundDeletion')) {
      clock.after(DELAY_MS, () => {
        for (const dependent of dependents.get(uid) ?? []) {
          const found = read(dependent);
          if (found && !found.object.metadata.deletionTimestamp)
            deleteObject(found.kind, found.key, found.object, { propagationPolicy: 'Foreground' }, ports);
        }
        releaseForeground(uid);
      });
    }
  });
}
