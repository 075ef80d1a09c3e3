import type { KubeObject } from '@kmm-fleet/runtime';
import { describe, expect, it } from 'vitest';
import { addonObjects } from './addon-objects.ts';
import { editions } from './editions.ts';
import { policyObjects } from './fleet-objects.ts';
import { operatorObjects } from './operator-objects.ts';

const OPTIONS = { namespace: 'policies', name: 'install-kmm', clusterLabels: {}, clusterSet: 'global' };
const { spoke } = editions;

describe('an add-on', () => {
  const installed = operatorObjects(spoke, { operator: 'kmm:1', mustGather: 'kmm:1' });
  const objects = addonObjects(spoke, installed, OPTIONS);
  const specOf = (kind: string) => objects.find((object) => object.kind === kind)?.['spec'];
  const { agentSpec } = specOf('AddOnTemplate') as {
    agentSpec: { workload: { manifests: readonly KubeObject[] } };
  };
  const { manifests } = agentSpec.workload;

  it('is installed from its template where its Placement says', () => {
    expect(specOf('ClusterManagementAddOn')).toMatchObject({
      supportedConfigs: [
        { resource: 'addontemplates', defaultConfig: { name: 'install-kmm' } },
        { resource: 'addondeploymentconfigs', defaultConfig: { namespace: 'policies', name: 'install-kmm' } },
      ],
      installStrategy: { placements: [{ name: 'install-kmm-addon', namespace: 'policies' }] },
    });
  });

  it('has no object that a Policy of the same name would choose its clusters by', () => {
    const keyOf = ({ kind, metadata: { namespace, name } }: KubeObject) => `${kind}/${namespace}/${name}`;
    const ofPolicy = policyObjects(installed, OPTIONS).map(keyOf);

    expect(objects.map(keyOf).filter((key) => ofPolicy.includes(key))).toEqual([
      'ManagedClusterSetBinding/policies/global',
    ]);
  });

  it('stays in its namespace: the manager would move all objects to one of its own', () => {
    expect(specOf('AddOnDeploymentConfig')).toEqual({ agentInstallNamespace: spoke.namespace });
  });

  it('gives the work agent its rights by a label, as the manager moves the subjects of bindings', () => {
    const role = manifests.find(({ metadata }) => metadata.name === 'kmm-module-manager');
    const subjects = manifests.flatMap(({ subjects: some = [] }) => some as readonly { namespace: string }[]);

    expect(role?.metadata['labels']).toEqual({ 'open-cluster-management.io/aggregate-to-work': 'true' });
    expect(subjects.length).toBeGreaterThan(0);
    expect(subjects.filter(({ namespace }) => namespace !== spoke.namespace)).toEqual([]);
  });

  it('leaves nothing else of the manifests out', () => {
    expect(manifests.length).toBe(installed.length - 1);
  });
});
