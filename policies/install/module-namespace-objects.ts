import type { KubeObject } from '@kmm-fleet/runtime';
import { accountObject, namespaceObject } from './operator-objects.ts';
import { privilegedObjects } from './privileged-objects.ts';

/**
 * What Modules need in a namespace that is not the operator's (section 4.3.2 of the guide), in the order to apply it: its
 * Pod Security labels, the service accounts that they name, and on OpenShift the right to the SCC `privileged`.
 * Whoever may make a Module in such a namespace runs privileged pods on any node.
 */
export function moduleNamespaceObjects(namespace: string, accounts: readonly string[]): KubeObject[] {
  const made = accounts.filter((name) => name !== 'default');
  return [
    namespaceObject({ namespace }),
    ...made.map((name) => accountObject(namespace, name)),
    // A name of its own: in the operator's namespace it must not take the place of what the operator's pods have.
    ...privilegedObjects({ namespace, privileged: accounts }, 'kmm-modules-privileged'),
  ];
}
