import type { KubeObject, ResourceType } from '@kmm-fleet/runtime';
import type { Schema } from './schema/structural.ts';

/** A column of `kubectl get`. */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly priority?: number;
  /** Where no path tells it. */
  readonly value?: ((object: KubeObject) => unknown) | undefined;
}

/** A kind that the server hosts. */
export interface HostedKind extends ResourceType {
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** `status` is written through its own path only. */
  readonly hasStatus: boolean;
  /** Absent for built-in kinds, which are taken as they come. */
  readonly schema?: Schema | undefined;
  readonly columns: readonly Column[];
}

const builtIn = (
  group: string,
  version: string,
  plural: string,
  kind: string,
  namespaced: boolean,
  shortNames: readonly string[] = [],
  columns: readonly Column[] = [],
): HostedKind => ({
  group,
  version,
  plural,
  kind,
  namespaced,
  singular: kind.toLowerCase(),
  shortNames,
  categories: ['Pod', 'DaemonSet'].includes(kind) ? ['all'] : [],
  hasStatus: ['Node', 'Pod', 'DaemonSet', 'Job', 'Namespace'].includes(kind),
  columns,
});

const column = (name: string, jsonPath: string, type = 'string', priority = 0): Column => ({
  name,
  type,
  jsonPath,
  priority,
});

/** The words of kubectl's columns. */
function nodeStatus({ spec, status }: KubeObject): string {
  const { conditions = [] } = (status ?? {}) as { conditions?: { type: string; status: string }[] };
  const isReady = conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True');
  const isCordoned = (spec as { unschedulable?: boolean } | undefined)?.unschedulable;
  return `${isReady ? 'Ready' : 'NotReady'}${isCordoned ? ',SchedulingDisabled' : ''}`;
}

interface ContainerStatus {
  readonly ready?: boolean;
  readonly state?: { readonly waiting?: { readonly reason?: string } };
}

const containersOf = ({ status }: KubeObject) =>
  ((status ?? {}) as { containerStatuses?: ContainerStatus[] }).containerStatuses ?? [];

function podReady(pod: KubeObject): string {
  const { containers = [] } = (pod['spec'] ?? {}) as { containers?: unknown[] };
  return `${containersOf(pod).filter(({ ready }) => ready).length}/${containers.length}`;
}

function podStatus(pod: KubeObject): string {
  if (pod.metadata.deletionTimestamp) return 'Terminating';
  const waiting = containersOf(pod).find(({ state }) => state?.waiting?.reason);
  const { phase = 'Pending' } = (pod['status'] ?? {}) as { phase?: string };
  return waiting?.state?.waiting?.reason ?? phase;
}

function eventObject({ involvedObject }: KubeObject): string {
  const { kind = '', name = '' } = (involvedObject ?? {}) as { kind?: string; name?: string };
  return `${kind.toLowerCase()}/${name}`;
}

/** Kinds of a Kubernetes cluster that our components and kubectl meet. */
export const BUILT_IN: readonly HostedKind[] = [
  builtIn('', 'v1', 'namespaces', 'Namespace', false, ['ns'], [column('Status', '.status.phase')]),
  builtIn(
    '',
    'v1',
    'nodes',
    'Node',
    false,
    ['no'],
    [
      { ...column('Status', ''), value: nodeStatus },
      column('Version', '.status.nodeInfo.kubeletVersion'),
      column('Kernel-Version', '.status.nodeInfo.kernelVersion'),
    ],
  ),
  builtIn(
    '',
    'v1',
    'pods',
    'Pod',
    true,
    ['po'],
    [
      { ...column('Ready', ''), value: podReady },
      { ...column('Status', ''), value: podStatus },
      column('Restarts', '.status.containerStatuses[0].restartCount'),
      column('Node', '.spec.nodeName', 'string', 1),
    ],
  ),
  builtIn('', 'v1', 'secrets', 'Secret', true, [], [column('Type', '.type')]),
  builtIn('', 'v1', 'configmaps', 'ConfigMap', true, ['cm']),
  builtIn('', 'v1', 'serviceaccounts', 'ServiceAccount', true, ['sa']),
  builtIn(
    '',
    'v1',
    'events',
    'Event',
    true,
    ['ev'],
    [
      column('Last Seen', '.lastTimestamp', 'date'),
      column('Type', '.type'),
      column('Reason', '.reason'),
      { ...column('Object', ''), value: eventObject },
      column('Message', '.message'),
    ],
  ),
  builtIn(
    'apps',
    'v1',
    'daemonsets',
    'DaemonSet',
    true,
    ['ds'],
    [
      column('Desired', '.status.desiredNumberScheduled', 'integer'),
      column('Current', '.status.currentNumberScheduled', 'integer'),
      column('Ready', '.status.numberReady', 'integer'),
      column('Available', '.status.numberAvailable', 'integer'),
    ],
  ),
  // Nothing runs them here.
  builtIn('apps', 'v1', 'deployments', 'Deployment', true, ['deploy']),
  builtIn('apps', 'v1', 'controllerrevisions', 'ControllerRevision', true),
  builtIn('batch', 'v1', 'jobs', 'Job', true, [], [column('Succeeded', '.status.succeeded', 'integer')]),
  builtIn(
    'coordination.k8s.io',
    'v1',
    'leases',
    'Lease',
    true,
    [],
    [column('Holder', '.spec.holderIdentity')],
  ),
  builtIn(
    'apiextensions.k8s.io',
    'v1',
    'customresourcedefinitions',
    'CustomResourceDefinition',
    false,
    ['crd', 'crds'],
    [],
  ),
  builtIn('rbac.authorization.k8s.io', 'v1', 'clusterroles', 'ClusterRole', false),
  builtIn('rbac.authorization.k8s.io', 'v1', 'clusterrolebindings', 'ClusterRoleBinding', false),
  builtIn('rbac.authorization.k8s.io', 'v1', 'roles', 'Role', true),
  builtIn('rbac.authorization.k8s.io', 'v1', 'rolebindings', 'RoleBinding', true),
];

interface CrdSpec {
  readonly group: string;
  readonly scope: string;
  readonly names: {
    readonly plural: string;
    readonly singular?: string;
    readonly kind: string;
    readonly shortNames?: string[];
    readonly categories?: string[];
  };
  readonly versions: readonly {
    readonly name: string;
    readonly served?: boolean;
    readonly schema?: { readonly openAPIV3Schema?: Schema };
    readonly subresources?: { readonly status?: object };
    readonly additionalPrinterColumns?: readonly Column[];
  }[];
}

/** The kinds that a CustomResourceDefinition adds, one per served version. */
export function kindsOfCrd(crd: KubeObject): HostedKind[] {
  const { group, scope, names, versions } = crd['spec'] as CrdSpec;
  return versions
    .filter(({ served = true }) => served)
    .map(({ name, schema, subresources, additionalPrinterColumns = [] }) => ({
      group,
      version: name,
      plural: names.plural,
      kind: names.kind,
      namespaced: scope === 'Namespaced',
      singular: names.singular ?? names.kind.toLowerCase(),
      shortNames: names.shortNames ?? [],
      categories: names.categories ?? [],
      hasStatus: subresources?.status !== undefined,
      schema: schema?.openAPIV3Schema,
      columns: additionalPrinterColumns,
    }));
}

/** `group/plural`: under what a kind's objects are stored, whatever the version. */
export const storageKey = ({ group, plural }: Pick<ResourceType, 'group' | 'plural'>) => `${group}/${plural}`;
