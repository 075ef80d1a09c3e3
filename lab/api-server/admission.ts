import { CORE, type KubeObject } from '@kmm-fleet/runtime';
import { forbidden } from './api-error.ts';
import { storageKey } from './kinds.ts';
import type { ObjectStore } from './store.ts';

/** A pod names a service account that is there. `default` always is: in a cluster its controller makes it at once. */
export function admitPod(pod: KubeObject, namespace: string, store: ObjectStore): void {
  const { serviceAccountName: account = 'default' } = (pod['spec'] ?? {}) as { serviceAccountName?: string };
  if (account === 'default' || store.get(storageKey(CORE.serviceAccount), `${namespace}/${account}`)) return;
  const name = pod.metadata.name || pod.metadata.generateName || '';
  const why = `error looking up service account ${namespace}/${account}: serviceaccount "${account}" not found`;
  throw forbidden('pods', name, why);
}
