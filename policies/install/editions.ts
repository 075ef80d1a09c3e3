import { OPERATOR, RESOURCES } from '@kmm-fleet/api';
import { type Access, hubAccess, spokeAccess, standaloneAccess, workAgentAccess } from '../rbac/access.ts';

/** What can be installed: the hub of a fleet, the light agent of a managed cluster, or an operator that needs no hub. */
export const EDITIONS = ['hub', 'spoke', 'cluster'] as const;
export type EditionName = (typeof EDITIONS)[number];

/** How one of them stands on its cluster. */
export interface Edition {
  readonly name: EditionName;
  readonly namespace: string;
  /** Of the Deployment; as in KMM's documentation. */
  readonly deployment: string;
  /** Plurals of the kinds that must be there. */
  readonly kinds: readonly string[];
  /** Of the operator itself first. */
  readonly accesses: readonly Access[];
  /** Service accounts for the pods that it makes, in its own namespace. */
  readonly accounts: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** It runs buildah, which mounts. */
  readonly builds: boolean;
}

const { managedClusterModule, module, moduleImage } = RESOURCES;

const onNodes = {
  namespace: OPERATOR.namespace,
  deployment: 'kmm-operator-controller-manager',
  kinds: [module.plural, moduleImage.plural],
  accounts: [OPERATOR.loaderServiceAccount, OPERATOR.devicePluginServiceAccount],
} as const;

export const editions: Readonly<Record<EditionName, Edition>> = {
  hub: {
    name: 'hub',
    namespace: OPERATOR.hubNamespace,
    deployment: 'kmm-operator-hub-controller-manager',
    kinds: [managedClusterModule.plural, moduleImage.plural],
    accesses: [hubAccess],
    accounts: [],
    env: {},
    builds: true,
  },
  spoke: {
    name: 'spoke',
    ...onNodes,
    accesses: [spokeAccess, workAgentAccess],
    env: { KMM_MANAGED: '1' },
    builds: false,
  },
  cluster: { name: 'cluster', ...onNodes, accesses: [standaloneAccess], env: {}, builds: true },
};
