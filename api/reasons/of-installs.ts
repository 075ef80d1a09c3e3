import { error, type ReasonEntry, warning } from './reason.ts';

/** What `kmm install check` finds on a cluster. */
export const OF_INSTALLS = {
  AccountMissing: error(
    'A service account is missing, so pods that run as it are not made.',
    'Apply what kmm install prints.',
  ),
  DeploymentMissing: error(
    'The Deployment of the operator is missing.',
    'Apply what kmm install prints, or name its namespace with -n.',
  ),
  DeploymentUnavailable: error(
    'No pod of the operator is ready.',
    'Look at the pods of its Deployment and their events; kmm gather collects them.',
  ),
  EditionDiffers: error(
    'The Deployment is that of another edition: KMM_MANAGED says whether a hub manages the cluster.',
    'Check the edition that is there, or apply what kmm install prints for the one that should be.',
  ),
  FleetKindMissing: error(
    'A kind of Open Cluster Management is missing.',
    'Install OCM or RHACM on a hub; let a cluster join its hub.',
  ),
  KindDiffers: error(
    'The definition of a kind is not that of this version: an operator of another version, or of somebody else, brought it.',
    'Apply what kmm install of the version that runs prints; it changes no object.',
  ),
  KindMissing: error('A kind is not defined.', 'Apply what kmm install prints.'),
  RightsMissing: error('An account may not do what it needs to.', 'Apply what kmm install prints.'),
  RightsUnknown: warning(
    'Whether an account has its rights could not be asked.',
    'Check with an account that may create SubjectAccessReviews.',
  ),
  NamespaceMissing: error("The operator's namespace is missing.", 'Apply what kmm install prints.'),
  NamespaceRestricted: error(
    'Pod Security of the namespace refuses privileged pods, and these are needed to build or to load.',
    'Label it pod-security.kubernetes.io/enforce=privileged.',
  ),
} as const satisfies Record<string, ReasonEntry>;
