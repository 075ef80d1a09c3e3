import type { KubeObject } from '@kmm-fleet/runtime';

const POLICY = 'policy.open-cluster-management.io';
const CLUSTER = 'cluster.open-cluster-management.io';
const APPS = 'apps.open-cluster-management.io';

/** Where on the hub the objects go, and which clusters they are for. */
export interface FleetOptions {
  /** Of Policy and Placement; add-ons and their templates have none. */
  readonly namespace: string;
  readonly name: string;
  /** Of ManagedClusters; all that are in a ManagedClusterSet when empty. */
  readonly clusterLabels: Readonly<Record<string, string>>;
  /** ManagedClusterSet that the clusters are taken from. */
  readonly clusterSet: string;
  /** Choose with a PlacementRule, which RHACM had before Placement. */
  readonly placementRule?: boolean;
}

/** An RHACM Policy that installs `objects` on the clusters. Taking it away leaves there what it brought. */
export function policyObjects(objects: readonly KubeObject[], options: FleetOptions): KubeObject[] {
  const { namespace, name, placementRule = false } = options;
  const metadata = { namespace, name };
  const choice = placementRule
    ? { apiGroup: APPS, kind: 'PlacementRule', name }
    : { apiGroup: CLUSTER, kind: 'Placement', name };
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
    ...(placementRule ? [placementRuleObject(options)] : placementObjects(options)),
    {
      apiVersion: `${POLICY}/v1`,
      kind: 'PlacementBinding',
      metadata,
      placementRef: choice,
      subjects: [{ apiGroup: POLICY, kind: 'Policy', name }],
    },
  ];
}

/** The clusters that an add-on or a Policy is for. */
export function placementObjects({ namespace, name, clusterLabels, clusterSet }: FleetOptions): KubeObject[] {
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

function placementRuleObject({ namespace, name, clusterLabels }: FleetOptions): KubeObject {
  const isAll = Object.keys(clusterLabels).length === 0;
  return {
    apiVersion: `${APPS}/v1`,
    kind: 'PlacementRule',
    metadata: { namespace, name },
    spec: { clusterSelector: isAll ? { matchExpressions: [] } : { matchLabels: clusterLabels } },
  };
}

/** Rights are what is written and no more; other kinds may have defaults and fields of others. */
const isRole = ({ kind }: KubeObject) => kind === 'Role' || kind === 'ClusterRole';
