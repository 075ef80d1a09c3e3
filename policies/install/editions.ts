import { OPERATOR, RESOURCES } from '@kmm-fleet/api';
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
  /** For Operator Lifecycle Manager; as in KMM's documentation. */
  readonly olmPackage: string;
  /** A namespace may have one; its name is that of the documentation, so that there is never a second. */
  readonly operatorGroup: string;
  readonly title: string;
  /** Plurals of the kinds that must be there. */
  readonly kinds: readonly string[];
  /** Of the operator itself first. */
  readonly accesses: readonly Access[];
  /** Service accounts for the pods that it makes, in its own namespace. */
  readonly accounts: readonly string[];
  /** Accounts whose pods are privileged. */
  readonly privileged: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Beside it buildah runs, which mounts; in Jobs their pods do, in Builds those of OpenShift. */
  readonly builds: 'no' | 'beside' | 'in-jobs' | 'in-builds';
  /** Namespaces with Modules are kept. */
  readonly guardsNamespaces?: boolean;
  /** Who makes the certificate of its webhook; without one it has none. */
  readonly certificates?: Certificates;
}

const { managedClusterModule, module, moduleImage } = RESOURCES;

const loaders = [OPERATOR.loaderServiceAccount, OPERATOR.devicePluginServiceAccount];

const onNodes = {
  namespace: OPERATOR.namespace,
  deployment: 'kmm-operator-controller-manager',
  olmPackage: 'kernel-module-management',
  operatorGroup: 'kernel-module-management',
  kinds: [module.plural, moduleImage.plural],
  accounts: loaders,
} as const;

export const editions: Readonly<Record<EditionName, Edition>> = {
  hub: {
    name: 'hub',
    namespace: OPERATOR.hubNamespace,
    deployment: 'kmm-operator-hub-controller-manager',
    olmPackage: 'kernel-module-management-hub',
    operatorGroup: 'kernel-module-management-hub',
    title: 'Kernel Module Management Hub',
    kinds: [managedClusterModule.plural, moduleImage.plural],
    accesses: [hubAccess],
    accounts: [],
    privileged: [hubAccess.account.name],
    env: {},
    builds: 'beside',
  },
  spoke: {
    name: 'spoke',
    ...onNodes,
    operatorGroup: 'kmm',
    title: 'Kernel Module Management, managed by a hub',
    accesses: [spokeAccess, workAgentAccess],
    privileged: loaders,
    env: { KMM_MANAGED: '1' },
    builds: 'no',
  },
  cluster: {
    name: 'cluster',
    ...onNodes,
    title: 'Kernel Module Management',
    accesses: [standaloneAccess],
    privileged: [...loaders, standaloneAccess.account.name],
    env: {},
    builds: 'beside',
  },
};
