import type { KubeObject, ResourceType } from '@kmm-fleet/runtime';

/** Where a kind lives in the API of a cluster; undefined when its server does not know it. */
export type RestMapping = (apiVersion: string, kind: string) => ResourceType | undefined;

const CLUSTER_SCOPED = new Set([
  'APIService',
  'ClusterRole',
  'ClusterRoleBinding',
  'CustomResourceDefinition',
  'MutatingWebhookConfiguration',
  'Namespace',
  'Node',
  'PersistentVolume',
  'PriorityClass',
  'StorageClass',
  'ValidatingWebhookConfiguration',
]);

const BUILT_IN: Readonly<Record<string, readonly string[]>> = {
  v1: [
    'ConfigMap',
    'Event',
    'LimitRange',
    'Namespace',
    'Node',
    'PersistentVolume',
    'PersistentVolumeClaim',
    'Pod',
    'ResourceQuota',
    'Secret',
    'Service',
    'ServiceAccount',
  ],
  'apps/v1': ['DaemonSet', 'Deployment', 'ReplicaSet', 'StatefulSet'],
  'batch/v1': ['CronJob', 'Job'],
  'rbac.authorization.k8s.io/v1': ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'],
  'coordination.k8s.io/v1': ['Lease'],
  'networking.k8s.io/v1': ['NetworkPolicy'],
  'policy/v1': ['PodDisruptionBudget'],
  'scheduling.k8s.io/v1': ['PriorityClass'],
  'storage.k8s.io/v1': ['StorageClass'],
  'apiextensions.k8s.io/v1': ['CustomResourceDefinition'],
};

interface DefinitionSpec {
  readonly group: string;
  readonly scope: string;
  readonly names: { readonly kind: string; readonly plural: string };
  readonly versions: readonly { readonly name: string; readonly served: boolean }[];
}

/** Built-in kinds and what the cluster's CustomResourceDefinitions add. */
export function restMapping(definitions: Iterable<KubeObject>): RestMapping {
  const types = new Map<string, ResourceType>();
  for (const [apiVersion, kinds] of Object.entries(BUILT_IN)) {
    for (const kind of kinds) {
      const type = {
        ...splitVersion(apiVersion),
        plural: pluralOf(kind),
        kind,
        namespaced: !CLUSTER_SCOPED.has(kind),
      };
      types.set(`${apiVersion}/${kind}`, type);
    }
  }
  for (const definition of definitions) {
    const { group, scope, names, versions } = definition['spec'] as DefinitionSpec;
    for (const { name, served } of versions) {
      if (!served) continue;
      const type = {
        group,
        version: name,
        plural: names.plural,
        kind: names.kind,
        namespaced: scope === 'Namespaced',
      };
      types.set(`${group}/${name}/${names.kind}`, type);
    }
  }
  return (apiVersion, kind) => types.get(`${apiVersion}/${kind}`);
}

export function splitVersion(apiVersion: string): { readonly group: string; readonly version: string } {
  const [first = '', second] = apiVersion.split('/');
  return second === undefined ? { group: '', version: first } : { group: first, version: second };
}

function pluralOf(kind: string): string {
  const lower = kind.toLowerCase();
  if (lower.endsWith('y')) return `${lower.slice(0, -1)}ies`;
  return /(s|x|ch)$/.test(lower) ? `${lower}es` : `${lower}s`;
}
