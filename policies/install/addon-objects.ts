import type { KubeObject } from '@kmm-fleet/runtime';
import { workAgentAccess } from '../rbac/access.ts';
import type { Edition } from './editions.ts';
import { type FleetOptions, placementObjects } from './fleet-objects.ts';

const ADDON = 'addon.open-cluster-management.io';

/**
 * An OCM add-on that installs an edition on the clusters. It is healthy while its Deployment is available: the add-on
 * manager asks for that by itself where a template holds one.
 */
export function addonObjects(
  edition: Edition,
  objects: readonly KubeObject[],
  options: FleetOptions,
): KubeObject[] {
  const { namespace, name } = options;
  // A Policy of the same name may choose other clusters.
  const placement = `${name}-addon`;
  return [
    {
      apiVersion: `${ADDON}/v1alpha1`,
      kind: 'AddOnTemplate',
      metadata: { name },
      spec: { addonName: name, agentSpec: { workload: { manifests: objects.flatMap(asManifest) } } },
    },
    {
      apiVersion: `${ADDON}/v1alpha1`,
      kind: 'AddOnDeploymentConfig',
      metadata: { namespace, name },
      // Registries, proxies and nodes are said here for all clusters, or in a copy that a ManagedClusterAddOn names.
      spec: { agentInstallNamespace: edition.namespace },
    },
    ...placementObjects({ ...options, name: placement }),
    {
      apiVersion: `${ADDON}/v1alpha1`,
      kind: 'ClusterManagementAddOn',
      metadata: { name, annotations: { [`${ADDON}/lifecycle`]: 'addon-manager' } },
      spec: {
        addOnMeta: {
          displayName: edition.title,
          description: 'Loads kernel modules that the hub built and signed.',
        },
        supportedConfigs: [
          { group: ADDON, resource: 'addontemplates', defaultConfig: { name } },
          { group: ADDON, resource: 'addondeploymentconfigs', defaultConfig: { namespace, name } },
        ],
        installStrategy: {
          type: 'Placements',
          placements: [{ name: placement, namespace, rolloutStrategy: { type: 'All' } }],
        },
      },
    },
  ];
}

/**
 * The add-on manager moves the subjects of all bindings into the add-on's namespace, so the work agent is given its
 * rights by a label of the role, which the klusterlet looks for.
 */
function asManifest(object: KubeObject): KubeObject[] {
  const { name, binding } = workAgentAccess;
  if (object.kind === 'ClusterRoleBinding' && object.metadata.name === binding) return [];
  if (object.kind !== 'ClusterRole' || object.metadata.name !== name) return [object];
  const labels = { 'open-cluster-management.io/aggregate-to-work': 'true' };
  return [{ ...object, metadata: { ...object.metadata, labels } }];
}
