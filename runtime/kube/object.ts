/** A Kubernetes object as it is on the wire. Unknown fields are kept: what we read we never strip. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

/** The part of `metadata` that controllers read. Times are RFC 3339 strings, as on the wire. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  managedFields?: unknown[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** Where a kind lives in the API: what discovery would answer. `group` is '' for the core group. */
export interface ResourceType {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** Names one object of a known resource type. `namespace` is absent for cluster-scoped kinds. */
export interface ObjectName {
  readonly namespace?: string;
  readonly name: string;
}

/** `namespace/name`, or `name` alone for cluster-scoped objects: the key of caches and queues. */
export function objectKey({ namespace, name }: ObjectName): string {
  return namespace ? `${namespace}/${name}` : name;
}

/** The reverse of {@link objectKey}. */
export function parseObjectKey(key: string): ObjectName {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf({ group, version }: ResourceType): string {
  return group ? `${group}/${version}` : version;
}

const inGroup =
  (group: string) =>
  (plural: string, kind: string, namespaced = true): ResourceType => ({
    group,
    version: 'v1',
    plural,
    kind,
    namespaced,
  });

const core = inGroup('');
const apps = inGroup('apps');
const rbac = inGroup('rbac.authorization.k8s.io');
const admission = inGroup('admissionregistration.k8s.io');

/** The built-in kinds that controllers and commands touch. Kinds of our own are in `api`. */
export const CORE = {
  node: core('nodes', 'Node', false),
  namespace: core('namespaces', 'Namespace', false),
  pod: core('pods', 'Pod'),
  secret: core('secrets', 'Secret'),
  configMap: core('configmaps', 'ConfigMap'),
  serviceAccount: core('serviceaccounts', 'ServiceAccount'),
  event: core('events', 'Event'),
  service: core('services', 'Service'),
  daemonSet: apps('daemonsets', 'DaemonSet'),
  deployment: apps('deployments', 'Deployment'),
  controllerRevision: apps('controllerrevisions', 'ControllerRevision'),
  job: inGroup('batch')('jobs', 'Job'),
  lease: inGroup('coordination.k8s.io')('leases', 'Lease'),
  role: rbac('roles', 'Role'),
  roleBinding: rbac('rolebindings', 'RoleBinding'),
  clusterRole: rbac('clusterroles', 'ClusterRole', false),
  clusterRoleBinding: rbac('clusterrolebindings', 'ClusterRoleBinding', false),
  validatingWebhookConfiguration: admission(
    'validatingwebhookconfigurations',
    'ValidatingWebhookConfiguration',
    false,
  ),
  validatingAdmissionPolicy: admission('validatingadmissionpolicies', 'ValidatingAdmissionPolicy', false),
  validatingAdmissionPolicyBinding: admission(
    'validatingadmissionpolicybindings',
    'ValidatingAdmissionPolicyBinding',
    false,
  ),
  customResourceDefinition: inGroup('apiextensions.k8s.io')(
    'customresourcedefinitions',
    'CustomResourceDefinition',
    false,
  ),
} as const satisfies Record<string, ResourceType>;

/** Who wrote which field: as long as the object itself, and of use to servers only. */
export function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
