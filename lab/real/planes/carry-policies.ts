import { type KubeClient, type KubeObject, listAll, type ResourceType } from '@kmm-fleet/runtime';
import type { RealFleet } from './real-fleet.ts';

const GROUP = 'policy.open-cluster-management.io';
export const POLICY: ResourceType = {
  group: GROUP,
  version: 'v1',
  plural: 'policies',
  kind: 'Policy',
  namespaced: true,
};
const CONFIGURATION_POLICY: ResourceType = {
  group: GROUP,
  version: 'v1',
  plural: 'configurationpolicies',
  kind: 'ConfigurationPolicy',
  namespaced: true,
};

const CARRY_MS = 500;

/**
 * RHACM's framework add-on, which no registry has: it brings each cluster the templates of the policies in its namespace
 * on the hub, and brings back whether they are kept.
 */
export async function carryPolicies(fleet: RealFleet, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    // A cluster whose server does not answer is asked again.
    for (const cluster of fleet.clusters.keys())
      await carry(cluster, fleet.client('hub'), fleet.client(cluster)).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, CARRY_MS));
  }
}

interface PolicyView extends KubeObject {
  readonly spec: {
    /** Where it is said it holds for the templates too. */
    readonly remediationAction?: string;
    readonly 'policy-templates': readonly { readonly objectDefinition: KubeObject }[];
  };
}

async function carry(cluster: string, hub: KubeClient, spoke: KubeClient): Promise<void> {
  const there = new Map<string, KubeObject>();
  for (const object of await listAll(spoke, CONFIGURATION_POLICY)) there.set(object.metadata.name, object);
  for (const policy of (await listAll(hub, POLICY)) as unknown as readonly PolicyView[]) {
    if (policy.metadata.namespace !== cluster) continue;
    const templates = policy.spec['policy-templates'].map(({ objectDefinition }) => objectDefinition);
    const details = templates.map(({ metadata }) => ({
      templateMeta: { name: metadata.name },
      compliant: complianceOf(there.get(metadata.name)),
    }));
    for (const { metadata, ...template } of templates) {
      if (there.delete(metadata.name)) continue;
      const { remediationAction } = policy.spec;
      const spec = { ...(template['spec'] as object), ...(remediationAction && { remediationAction }) };
      const name = { namespace: cluster, name: metadata.name };
      await spoke.create(CONFIGURATION_POLICY, { ...template, metadata: name, spec });
    }
    const all = details.map(({ compliant }) => compliant);
    const compliant = all.find((one) => one !== 'Compliant') ?? 'Compliant';
    const { name } = policy.metadata;
    await hub.mergePatch(
      POLICY,
      { namespace: cluster, name },
      { status: { compliant, details } },
      { subresource: 'status' },
    );
  }
  for (const name of there.keys()) await spoke.delete(CONFIGURATION_POLICY, { namespace: cluster, name }, {});
}

const complianceOf = (object: KubeObject | undefined) =>
  (object?.['status'] as { readonly compliant?: string } | undefined)?.compliant ?? 'Pending';
