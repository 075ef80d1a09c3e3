import { type Finding, found, sortFindings, warned } from '@kmm-fleet/api';
import type { Edition } from '@kmm-fleet/policies';
import { isSubset, type KubeObject } from '@kmm-fleet/runtime';
import { inWords } from '../../output/in-words.ts';

/** A verb on a resource that an account needs, and whether it has it; undefined: nobody could be asked. */
export interface Right {
  readonly account: string;
  /** `patch nodes`, `get leases.coordination.k8s.io/kmm in openshift-kmm` */
  readonly what: string;
  readonly isGranted: boolean | undefined;
}

/** What of an edition was looked for on a cluster. Undefined is what is not there. */
export interface Installed {
  readonly namespaceName: string;
  readonly namespace: KubeObject | undefined;
  /** Definitions as kmm install prints them, and as they are. */
  readonly definitions: readonly { readonly wanted: KubeObject; readonly found: KubeObject | undefined }[];
  /** Kinds of Open Cluster Management that the operator watches, by name. */
  readonly fleetKinds: ReadonlyMap<string, KubeObject | undefined>;
  readonly accounts: ReadonlyMap<string, KubeObject | undefined>;
  readonly rights: readonly Right[];
  readonly deployment: KubeObject | undefined;
}

const ENFORCE = 'pod-security.kubernetes.io/enforce';

/** What is missing or wrong, each with the object, and what to do. */
export function installFindings(edition: Edition, installed: Installed): Finding[] {
  return sortFindings([
    ...kindFindings(installed),
    ...namespaceFindings(installed),
    ...accountFindings(edition, installed),
    ...rightFindings(edition, installed),
    ...deploymentFindings(edition, installed),
  ]);
}

const applyOf = ({ name }: Edition) => `Apply what kmm install ${name} prints.`;

function kindFindings({ definitions, fleetKinds }: Installed): Finding[] {
  const ours = definitions.flatMap(({ wanted, found: there }) => {
    const path = `CustomResourceDefinition/${wanted.metadata.name}`;
    if (!there) return [found('KindMissing', path, 'It is not there.', 'Apply what kmm install prints.')];
    if (isSubset(wanted['spec'], there['spec'])) return [];
    const next = 'Apply what kmm install prints: it brings the kinds of its version and changes no object.';
    return [found('KindDiffers', path, 'It is not that of this version.', next)];
  });
  const theirs = [...fleetKinds].filter(([, there]) => !there);
  return [
    ...ours,
    ...theirs.map(([name]) =>
      found(
        'FleetKindMissing',
        `CustomResourceDefinition/${name}`,
        'It is not there.',
        'Install Open Cluster Management on a hub; let a cluster join its hub.',
      ),
    ),
  ];
}

function namespaceFindings({ namespaceName, namespace }: Installed): Finding[] {
  const path = `Namespace/${namespaceName}`;
  if (!namespace)
    return [found('NamespaceMissing', path, 'It is not there.', 'Apply what kmm install prints.')];
  const level = namespace.metadata.labels?.[ENFORCE];
  if (level === undefined || level === 'privileged') return [];
  const next = `kubectl label --overwrite namespace ${namespaceName} ${ENFORCE}=privileged`;
  return [found('NamespaceRestricted', path, `Its Pod Security is ${level}.`, next)];
}

function accountFindings(edition: Edition, { namespaceName, namespace, accounts }: Installed): Finding[] {
  if (!namespace) return [];
  return [...accounts]
    .filter(([, there]) => !there)
    .map(([name]) =>
      found(
        'AccountMissing',
        `ServiceAccount/${namespaceName}/${name}`,
        'It is not there.',
        applyOf(edition),
      ),
    );
}

/** One finding per account: somebody who lacks one right mostly lacks them all. */
function rightFindings(edition: Edition, { rights }: Installed): Finding[] {
  return [...new Set(rights.map(({ account }) => account))].flatMap((account) => {
    const own = rights.filter((right) => right.account === account);
    const missing = own.filter(({ isGranted }) => isGranted === false).map(({ what }) => what);
    const path = `ServiceAccount/${account}`;
    if (missing.length > 0)
      return [found('RightsMissing', path, `It may not ${inWords(missing, SHOWN_MAX)}.`, applyOf(edition))];
    if (own.every(({ isGranted }) => isGranted !== undefined)) return [];
    const next = 'Check with an account that may create SubjectAccessReviews.';
    return [warned('RightsUnknown', path, 'What it may do could not be asked.', next)];
  });
}

const SHOWN_MAX = 3;

interface Deployment extends KubeObject {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly {
          readonly env?: readonly { readonly name: string; readonly value?: string }[];
        }[];
      };
    };
  };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly message?: string;
    }[];
  };
}

/** Whether an operator's Deployment says that a hub manages the cluster. */
export function isManaged(deployment: KubeObject): boolean {
  return (deployment as Deployment).spec.template.spec.containers.some(({ env = [] }) =>
    env.some(({ name, value }) => name === 'KMM_MANAGED' && isYes(value)),
  );
}

/** As Go's ParseBool reads it, and so do our operators. */
const isYes = (value = '') => /^(1|t|true)$/i.test(value);

function deploymentFindings(
  edition: Edition,
  { namespaceName, namespace, deployment }: Installed,
): Finding[] {
  const path = `Deployment/${namespaceName}/${edition.deployment}`;
  if (!namespace) return [];
  if (!deployment) return [found('DeploymentMissing', path, 'It is not there.', applyOf(edition))];
  const { status } = deployment as Deployment;
  const findings: Finding[] = [];
  if (isManaged(deployment) !== 'KMM_MANAGED' in edition.env) {
    const message = isManaged(deployment) ? 'KMM_MANAGED is set.' : 'KMM_MANAGED is not set.';
    findings.push(found('EditionDiffers', path, message, applyOf(edition)));
  }
  const available = status?.conditions?.find(({ type }) => type === 'Available');
  if (available?.status !== 'True') {
    const next = `kubectl describe pods -n ${namespaceName}`;
    findings.push(found('DeploymentUnavailable', path, available?.message ?? 'It has no pods yet.', next));
  }
  return findings;
}
