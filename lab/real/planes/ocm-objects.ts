import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '@kmm-fleet/runtime';
import { parse } from 'yaml';

/** Folders of OCM's Go modules: `open-cluster-management.io/ocm` and `…/api`. */
export interface OcmModules {
  readonly ocm: string;
  readonly api: string;
}

/** Where a klusterlet's agents live, and who they are. */
export const AGENT_NAMESPACE = 'open-cluster-management-agent';
/** What the agents of a cluster are there for. */
export const AGENTS = ['registration', 'work'] as const;
export type Agent = (typeof AGENTS)[number];

export const agentAccount = (agent: Agent) => ({
  namespace: AGENT_NAMESPACE,
  name: `klusterlet-${agent}-sa`,
});
export const agentUser = (agent: Agent) =>
  `system:serviceaccount:${AGENT_NAMESPACE}:${agentAccount(agent).name}`;

const HUB_CRDS = [
  'cluster/v1/0000_00',
  'cluster/v1beta1/0000_02',
  'cluster/v1beta1/0000_03',
  'cluster/v1beta2/0000_00',
  'cluster/v1beta2/0000_01',
  'cluster/v1alpha1/0000_05',
  'addon/v1alpha1/0000_00',
  'addon/v1alpha1/0000_02',
  'addon/v1alpha1/0000_03',
  'addon/v1beta1/0000_01',
  'work/v1/0000_00',
  'work/v1alpha1/0000_00',
];
const SPOKE_CRDS = ['cluster/v1alpha1/0000_02', 'work/v1/0000_01'];
const VALUES: Readonly<Record<string, string>> = {
  KlusterletName: 'klusterlet',
  KlusterletNamespace: AGENT_NAMESPACE,
  AgentNamespace: AGENT_NAMESPACE,
  RegistrationServiceAccount: agentAccount('registration').name,
  WorkServiceAccount: agentAccount('work').name,
};

/** CustomResourceDefinitions of OCM's hub. */
export const ocmHubObjects = ({ api }: OcmModules): KubeObject[] => crds(api, HUB_CRDS);

/** CustomResourceDefinitions of a managed cluster and the rights of its agents, as the klusterlet installs them. */
export function ocmSpokeObjects({ api, ocm }: OcmModules): KubeObject[] {
  const namespace: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: AGENT_NAMESPACE } };
  const folders = ['managed', 'management'].map((name) => join(ocm, 'manifests', 'klusterlet', name));
  const roles = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => /^klusterlet-[\w-]*role[\w-]*\.yaml$/.test(file))
      .sort()
      .map((file) => parse(fillTemplate(readFileSync(join(folder, file), 'utf8'))) as KubeObject),
  );
  return [...crds(api, SPOKE_CRDS), namespace, ...roles, AGGREGATE];
}

/** The klusterlet's operator makes this one: whoever labels a ClusterRole so gives its rights to the work agent. */
const AGGREGATE: KubeObject = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'open-cluster-management:klusterlet-work:aggregate' },
  aggregationRule: {
    clusterRoleSelectors: [{ matchLabels: { 'open-cluster-management.io/aggregate-to-work': 'true' } }],
  },
  rules: [],
};

function crds(api: string, prefixes: readonly string[]): KubeObject[] {
  return prefixes.map((prefix) => {
    const folder = join(api, prefix, '..');
    const start = prefix.split('/').at(-1) ?? '';
    const file = readdirSync(folder).find((name) => name.startsWith(start) && name.endsWith('.crd.yaml'));
    if (!file) throw new Error(`No CustomResourceDefinition ${prefix} in ${api}.`);
    return parse(readFileSync(join(folder, file), 'utf8')) as KubeObject;
  });
}

/** The templates loop over labels, which we have none of, and name things. */
function fillTemplate(text: string): string {
  return text
    .split('\n')
    .filter((line) => !/\{\{-?\s*(if|range|end|else)\b/.test(line) && !line.includes('{{ $key }}'))
    .join('\n')
    .replaceAll(/\{\{\s*\.(\w+)\s*\}\}/g, (whole, name: string) => VALUES[name] ?? whole);
}
