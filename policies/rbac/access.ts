import { nodeClaimNames, OPERATOR, RESOURCES, TOOLKIT_STREAM } from '@kmm-fleet/api';
import { CORE, type ResourceType } from '@kmm-fleet/runtime';

/** Verbs on resources, as RBAC writes them. */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** What one service account may do. */
export interface Access {
  /** Of the roles and their bindings. */
  readonly name: string;
  /** Of the ClusterRoleBinding, where it is not called as the role. */
  readonly binding?: string;
  readonly account: { readonly namespace: string; readonly name: string };
  /** In all namespaces, and on what has none. */
  readonly cluster: readonly PolicyRule[];
  /** In the operator's own namespace. */
  readonly own: readonly PolicyRule[];
}

const WATCH = ['list', 'watch'];
/** Server-side apply of an object that may not be there yet. */
const APPLY = ['create', 'patch'];

/** Rights of KMM-Hub: no Secret outside its own namespace, nothing on the clusters. */
export const hubAccess: Access = {
  name: OPERATOR.hubAccount,
  account: { namespace: OPERATOR.hubNamespace, name: OPERATOR.hubAccount },
  cluster: [
    may(WATCH, RESOURCES.managedCluster),
    may(WATCH, RESOURCES.managedClusterModule),
    may(['patch'], RESOURCES.managedClusterModule, 'status'),
    // blockOwnerDeletion asks for this one where the server enforces it.
    may(['update'], RESOURCES.managedClusterModule, 'finalizers'),
    may([...WATCH, ...APPLY, 'delete'], RESOURCES.manifestWork),
    ...images(),
    toolkitStream(),
    may(APPLY, CORE.event),
    ...neighbours(OPERATOR.hubLease, RESOURCES.managedClusterModule, RESOURCES.moduleImage),
  ],
  own: [may(WATCH, CORE.configMap), may(WATCH, CORE.secret), ...hashKey(), ...lease(OPERATOR.hubLease)],
};

/** Rights of the operator of one managed cluster. It reads no Secret and no ConfigMap. */
export const spokeAccess: Access = {
  name: OPERATOR.account,
  account: { namespace: OPERATOR.namespace, name: OPERATOR.account },
  cluster: [
    may([...WATCH, 'patch'], RESOURCES.module),
    may(['patch'], RESOURCES.module, 'status'),
    may(['update'], RESOURCES.module, 'finalizers'),
    may([...WATCH, 'patch'], CORE.node),
    may([...WATCH, 'patch'], CORE.pod),
    may([...WATCH, ...APPLY, 'delete'], CORE.daemonSet),
    may([...WATCH, 'create'], RESOURCES.clusterClaim),
    {
      ...may(['patch', 'delete'], RESOURCES.clusterClaim),
      resourceNames: nodeClaimNames(),
    },
    // Only events tell why a pod was refused before it was one.
    may([...WATCH, ...APPLY], CORE.event),
    ...neighbours(OPERATOR.lease, RESOURCES.module),
  ],
  own: lease(OPERATOR.lease),
};

const isClaim = ({ resources }: PolicyRule) => resources.includes(RESOURCES.clusterClaim.plural);

/** Rights of the operator of a cluster that stands alone: it builds and signs, so it reads what builds refer to. */
export const standaloneAccess: Access = {
  ...spokeAccess,
  cluster: [
    ...spokeAccess.cluster.filter((rule) => !isClaim(rule)),
    ...images(),
    toolkitStream(),
    may(WATCH, CORE.configMap),
    may(WATCH, CORE.secret),
  ],
  own: [...hashKey(), ...lease(OPERATOR.lease)],
};

/** The same for one that may be managed too, where that is decided after rights are granted. */
export const eitherAccess = (standalone: Access): Access => ({
  ...standalone,
  cluster: [...standalone.cluster, ...spokeAccess.cluster.filter(isClaim)],
});

/** What OCM's work agent needs on a managed cluster for what the hub ships. Names as in KMM's documentation. */
export const workAgentAccess: Access = {
  name: 'kmm-module-manager',
  binding: 'klusterlet-kmm',
  account: { namespace: 'open-cluster-management-agent', name: 'klusterlet-work-sa' },
  cluster: [may(['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'], RESOURCES.module)],
  own: [],
};

/** The same for an operator that builds in Jobs, in its own namespace. */
export const buildingInJobs = (access: Access): Access =>
  building(access, may(['create', 'get', 'list', 'delete'], CORE.job), may(['list'], CORE.pod));

/** The same for one that has OpenShift build. */
export const buildingInBuilds = (access: Access): Access =>
  building(
    access,
    may(['create', 'get', 'list', 'delete'], RESOURCES.build),
    // Asked for by OpenShift's admission of Builds, where a cluster restricts their strategies.
    may(['create'], RESOURCES.build, 'docker'),
  );

const building = (access: Access, ...rules: readonly PolicyRule[]): Access => ({
  ...access,
  own: [
    ...access.own,
    ...rules,
    may(['get'], CORE.pod, 'log'),
    // What a build reads; RBAC cannot name what is yet to be created.
    may(APPLY, CORE.secret),
  ],
});

/** Images are objects on the cluster that builds: the hub, or one that stands alone. */
function images(): PolicyRule[] {
  return [
    may([...WATCH, ...APPLY, 'delete'], RESOURCES.moduleImage),
    may(['patch'], RESOURCES.moduleImage, 'status'),
  ];
}

/** By name, and in any namespace: a role in that of OpenShift could not be applied elsewhere. */
function toolkitStream(): PolicyRule {
  return { ...may(WATCH, RESOURCES.imageStream), resourceNames: [TOOLKIT_STREAM.name] };
}

/** RBAC cannot name what is yet to be created. */
function hashKey(): PolicyRule[] {
  return [
    may(['create'], CORE.secret),
    { ...may(['get', 'update'], CORE.secret), resourceNames: [OPERATOR.inputsKey] },
  ];
}

/** An operator that is not alone, or whose kinds are of another version, does not start. */
function neighbours(leaseName: string, ...kinds: readonly ResourceType[]): PolicyRule[] {
  return [
    { ...may(['list'], CORE.lease), resourceNames: [leaseName] },
    {
      ...may(['get'], CORE.customResourceDefinition),
      resourceNames: kinds.map(({ plural, group }) => `${plural}.${group}`),
    },
  ];
}

function lease(name: string): PolicyRule[] {
  return [may(['create'], CORE.lease), { ...may(['get', 'update'], CORE.lease), resourceNames: [name] }];
}

export function may(
  verbs: readonly string[],
  { group, plural }: ResourceType,
  subresource?: string,
): PolicyRule {
  return { apiGroups: [group], resources: [subresource ? `${plural}/${subresource}` : plural], verbs };
}
