import type { KubeObject } from '@kmm-fleet/runtime';
import type { Edition } from './editions.ts';
import { namespaceObject } from './operator-objects.ts';

/** Where Operator Lifecycle Manager (OLM) finds the bundle. */
export interface Catalog {
  readonly channel: string;
  /** CatalogSource that has the bundle. */
  readonly source: string;
  readonly sourceNamespace: string;
}

const GROUP = 'operators.coreos.com';

/** What makes OLM install an edition from a catalog, as in KMM's documentation; it brings no image and no rights. */
export function subscriptionObjects(edition: Edition, catalog: Catalog): KubeObject[] {
  const { namespace, olmPackage, operatorGroup, env } = edition;
  const variables = Object.entries(env).map(([name, value]) => ({ name, value }));
  return [
    namespaceObject(edition),
    {
      apiVersion: `${GROUP}/v1`,
      kind: 'OperatorGroup',
      metadata: { name: operatorGroup, namespace },
      spec: { upgradeStrategy: 'Default' },
    },
    {
      apiVersion: `${GROUP}/v1alpha1`,
      kind: 'Subscription',
      metadata: { name: olmPackage, namespace },
      spec: {
        name: olmPackage,
        ...catalog,
        installPlanApproval: 'Automatic',
        ...(variables.length > 0 && { config: { env: variables } }),
      },
    },
  ];
}
