import type { KubeObject } from '@kmm-fleet/runtime';

const POLICY = 'policy.open-cluster-management.io';
const CLUSTER = 'cluster.open-cluster-management.io';
const ADDON = 'addon.open-cluster-management.io';

/** Where on the hub the objects go, and which clusters they are for. */
export interface FleetOptions {
  /** Of Policy and Placement; add-ons and their templates have none. */
  readonly namespace: string;
  readonly name: string;
  /** Of ManagedClusters; all that are in a ManagedClusterSet when empty. */
  readonly clusterLabels: Readonly<Record<string, string>>;
  /** ManagedClusterSet that the clusters are taken from. */
  readonly clusterSet: string;
}

/**
 * An RHACM Policy that installs `objects` on the clusters, as in KMM's documentation but without OLM, and with a
 * Placement, as PlacementRule is deprecated. Taking it away leaves on the clusters what it brought.
 */
export function policyObjects(objects: readonly KubeObject[], options: FleetOptions): KubeObject[] {
  const { namespace, name } = options;
  const metadata = { namespace, name };
  const templates = objects.map((object) => ({
    complianceType: isRole(object) ? 'mustonlyhave' : 'musthave',
    objectDefinition: object,
  }));
  return [
    {
      apiVersion: `${POLICY}/v1`,
      kind: 'Policy',
      metadata,
      spec: {
        remediationAction: 'enforce',
        disabled: false,
        'policy-templates': [
          {
            objectDefinition: {
              apiVersion: `${POLICY}/v1`,
              kind: 'ConfigurationPolicy',
              metadata: { name },
              spec: { severity: 'high', remediationAction: 'enforce', 'object-templates': templates },
            },
          },
        ],
      },
    },
    ...placementObjects(options),
    {
      apiVersion: `${POLICY}/v1`,
      kind: 'PlacementBinding',
      metadata,
      placementRef: { apiGroup: CLUSTER, kind: 'Placement', name },
      subjects: [{ apiGroup: POLICY, kind: 'Policy', name }],
    },
  ];
}

/** An OCM add-on that installs `objects` on the clusters and is healthy while their Deployment is available. */
export function addonObjects(objects: readonly KubeObject[], options: FleetOptions): KubeObject[] {
  const { namespace, name } = options;
  return [
    {
      apiVersion: `${ADDON}/v1alpha1`,
      kind: 'AddOnTemplate',
      metadata: { name },
      spec: { addonName: name, agentSpec: { workload: { manifests: objects } } },
    },
    ...placementObjects(options),
    {
      apiVersion: `${ADDON}/v1alpha1`,
      kind: 'ClusterManagementAddOn',
      metadata: { name, annotations: { [`${ADDON}/lifecycle`]: 'addon-manager' } },
      spec: {
        addOnMeta: {
          displayName: 'Kernel Module Management',
          description: 'Loads kernel modules that the hub built and signed.',
        },
        supportedConfigs: [{ group: ADDON, resource: 'addontemplates', defaultConfig: { name } }],
        installStrategy: {
          type: 'Placements',
          placements: [{ name, namespace, rolloutStrategy: { type: 'All' } }],
        },
      },
    },
  ];
}

function placementObjects({ namespace, name, clusterLabels, clusterSet }: FleetOptions): KubeObject[] {
  const labelSelector = Object.keys(clusterLabels).length > 0 && { matchLabels: clusterLabels };
  return [
    {
      apiVersion: `${CLUSTER}/v1beta2`,
      kind: 'ManagedClusterSetBinding',
      metadata: { namespace, name: clusterSet },
      spec: { clusterSet },
    },
    {
      apiVersion: `${CLUSTER}/v1beta1`,
      kind: 'Placement',
      metadata: { namespace, name },
      spec: {
        clusterSets: [clusterSet],
        ...(labelSelector && { predicates: [{ requiredClusterSelector: { labelSelector } }] }),
        // A cluster that is away keeps what it has, and gets it when it is back.
        tolerations: ['unreachable', 'unavailable'].map((key) => ({
          key: `${CLUSTER}/${key}`,
          operator: 'Exists',
        })),
      },
    },
  ];
}

/** Rights are what is written and no more; other kinds may have defaults and fields of others. */
const isRole = ({ kind }: KubeObject) => kind === 'Role' || kind === 'ClusterRole';
