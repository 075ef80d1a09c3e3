import { ownDefinitions } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import { accessObjects } from '../rbac/access-objects.ts';
import { type OperatorImages, operatorDeployment, podLabels } from './deployment.ts';
import type { Edition } from './editions.ts';
import { namespaceGuardObjects } from './namespace-guard.ts';
import { privilegedObjects } from './privileged-objects.ts';
import { webhookObjects } from './webhook-objects.ts';

/** All that an operator needs on a plain cluster, in the order to apply it. */
export function operatorObjects(edition: Edition, images: OperatorImages): KubeObject[] {
  return [
    ...groundObjects(edition),
    ...edition.accesses.flatMap(accessObjects),
    ...(edition.privileged.length > 0 ? privilegedObjects(edition) : []),
    ...(edition.guardsNamespaces ? namespaceGuardObjects(edition) : []),
    ...webhookObjects(edition, podLabels(edition)),
    operatorDeployment(edition, images),
  ];
}

/** What must be there before anything begins: kinds, the namespace, and service accounts of the pods that it makes. */
export function groundObjects(edition: Edition): KubeObject[] {
  const { namespace, kinds, accounts } = edition;
  return [
    ...ownDefinitions(...kinds),
    namespaceObject(edition),
    ...accounts.map((name) => accountObject(namespace, name)),
  ];
}

export const accountObject = (namespace: string, name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace },
});

export const namespaceObject = ({ namespace }: Pick<Edition, 'namespace'>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: namespace, labels: PRIVILEGED },
});

/** Builds mount, and module loaders load: Pod Security Admission must let both be. */
export const PRIVILEGED = {
  'pod-security.kubernetes.io/enforce': 'privileged',
  'pod-security.kubernetes.io/warn': 'privileged',
  'pod-security.kubernetes.io/audit': 'privileged',
};
