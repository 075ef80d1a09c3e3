import { nodeClaimNames, OPERATOR, RESOURCES, WEBHOOKS } from '@kmm-fleet/api';
import type { ResourceType } from '@kmm-fleet/runtime';
import { type Access, hubAccess, spokeAccess, standaloneAccess, workAgentAccess } from '../rbac/access.ts';
import type { Certificates } from './webhook-names.ts';

/** What can be installed: the hub of a fleet, the light agent of a managed cluster, or an operator that needs no hub. */
export const EDITIONS = ['hub', 'spoke', 'cluster'] as const;
export type EditionName = (typeof EDITIONS)[number];

/** How one of them stands on its cluster. */
export interface Edition {
  readonly name: EditionName;
  readonly namespace: string;
  /** Of the Deployment; as in KMM's documentation. */
  readonly deployment: string;
  /** Value of the component label on the Deployment and its pods. */
  readonly component: 'hub' | 'operator';
  readonly lease: string;
  /** For Operator Lifecycle Manager; as in KMM's documentation. */
  readonly olmPackage: string;
  /** A namespace may have one; its name is that of the documentation, so that there is never a second. */
  readonly operatorGroup: string;
  readonly chart: string;
  readonly title: string;
  readonly description: string;
  /** Kind of the modules that users write for it. */
  readonly moduleKind: ResourceType;
  /** Plurals of the kinds that must be there. */
  readonly kinds: readonly string[];
  /** Kinds of Open Cluster Management that it watches. */
  readonly fleetKinds: readonly ResourceType[];
  /** Names of the ClusterClaims that it may have published. */
  readonly claims: readonly string[];
  /** Of the operator itself first. */
  readonly accesses: readonly Access[];
  /** A Subscription may say later that a hub manages the cluster, so its bundle has the rights for both. */
  readonly mayBeManaged: boolean;
  /** Service accounts for the pods that it makes, in its own namespace. */
  readonly accounts: readonly string[];
  /** Accounts whose pods are privileged. */
  readonly privileged: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Of an operator that does not build beside itself; docs/decisions/0022 has the figures. */
  readonly memory: Memory;
  /** Beside it buildah runs, which mounts; in Jobs their pods do, in Builds those of OpenShift. */
  readonly builds: 'no' | 'beside' | 'in-jobs' | 'in-builds';
  /** Namespaces with Modules are kept. */
  readonly guardsNamespaces?: boolean;
  readonly webhook: (typeof WEBHOOKS)[keyof typeof WEBHOOKS];
  /** Who makes the certificate of its webhook; without one it has none. */
  readonly certificates?: Certificates;
}

/** Quantities of Kubernetes. */
export interface Memory {
  readonly request: string;
  readonly limit?: string;
}

const { clusterClaim, managedCluster, managedClusterModule, manifestWork, module, moduleImage } = RESOURCES;

const loaders = [OPERATOR.loaderServiceAccount, OPERATOR.devicePluginServiceAccount];

const onNodes = {
  namespace: OPERATOR.namespace,
  deployment: 'kmm-operator-controller-manager',
  component: 'operator',
  lease: OPERATOR.lease,
  olmPackage: 'kernel-module-management',
  operatorGroup: 'kernel-module-management',
  moduleKind: module,
  kinds: [module.plural, moduleImage.plural],
  claims: nodeClaimNames(),
  accounts: loaders,
  webhook: WEBHOOKS.cluster,
} as const;

/** For a large fleet at rest; signing takes five times an unpacked module, and 512 MiB of one are signed. */
const signing: Memory = { request: '200Mi', limit: '4Gi' };

export const editions: Readonly<Record<EditionName, Edition>> = {
  hub: {
    name: 'hub',
    namespace: OPERATOR.hubNamespace,
    deployment: 'kmm-operator-hub-controller-manager',
    component: 'hub',
    lease: OPERATOR.hubLease,
    olmPackage: 'kernel-module-management-hub',
    operatorGroup: 'kernel-module-management-hub',
    chart: 'kmm-hub',
    title: 'Kernel Module Management Hub',
    description:
      'Builds and signs kernel modules once for a fleet of clusters and hands each cluster what it loads.',
    moduleKind: managedClusterModule,
    kinds: [managedClusterModule.plural, moduleImage.plural],
    fleetKinds: [managedCluster, manifestWork],
    claims: [],
    accesses: [hubAccess],
    mayBeManaged: false,
    accounts: [],
    privileged: [hubAccess.account.name],
    env: {},
    memory: signing,
    builds: 'beside',
    webhook: WEBHOOKS.hub,
  },
  spoke: {
    name: 'spoke',
    ...onNodes,
    operatorGroup: 'kmm',
    chart: 'kmm-spoke',
    title: 'Kernel Module Management, managed by a hub',
    description:
      'Loads kernel modules that a hub built and signed, and tells the hub which kernels the nodes run.',
    fleetKinds: [clusterClaim],
    accesses: [spokeAccess, workAgentAccess],
    mayBeManaged: false,
    privileged: loaders,
    env: { KMM_MANAGED: '1' },
    memory: { request: '96Mi' },
    builds: 'no',
  },
  cluster: {
    name: 'cluster',
    ...onNodes,
    chart: 'kmm',
    title: 'Kernel Module Management',
    description: 'Builds, signs and loads kernel modules on one cluster.',
    fleetKinds: [],
    accesses: [standaloneAccess],
    mayBeManaged: true,
    privileged: [...loaders, standaloneAccess.account.name],
    env: {},
    memory: signing,
    builds: 'beside',
  },
};
