import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { workAgentAccess } from '../rbac/access.ts';
import { accessObjects } from '../rbac/access-objects.ts';
import { editions } from './editions.ts';
import { policyObjects } from './fleet-objects.ts';
import { subscriptionObjects } from './subscription-objects.ts';

const CATALOG = { channel: 'stable', source: 'redhat-operators', sourceNamespace: 'openshift-marketplace' };
const GUIDE = join(import.meta.dirname, '../../docs/examples/guide/4.12.4-policy.yaml');

interface PolicySpec {
  readonly 'policy-templates': readonly [
    {
      readonly objectDefinition: {
        readonly spec: { readonly 'object-templates': readonly { readonly objectDefinition: KubeObject }[] };
      };
    },
  ];
}

function shipped([policy]: readonly KubeObject[]): KubeObject[] {
  if (!policy) throw new Error('no Policy');
  const [{ objectDefinition }] = (policy['spec'] as PolicySpec)['policy-templates'];
  return objectDefinition.spec['object-templates'].map((template) => template.objectDefinition);
}

it('installs by Policy what the Policy of the guide installs, and labels for Pod Security', () => {
  const documents = parseAllDocuments(readFileSync(GUIDE, 'utf8')).map((each) => each.toJS() as KubeObject);
  const objects = [...subscriptionObjects(editions.spoke, CATALOG), ...accessObjects(workAgentAccess)];
  const fleet = { namespace: 'default', name: 'install-kmm', clusterSet: 'global', clusterLabels: {} };
  const [namespace, ...rest] = shipped(policyObjects(objects, fleet));
  const [guideNamespace, ...guideRest] = shipped(documents);

  expect(namespace?.metadata.name).toBe(guideNamespace?.metadata.name);
  expect(rest).toEqual(guideRest);
});

it('leaves a hub and a cluster without one to themselves: nothing says they are managed', () => {
  const subscription = (edition: 'hub' | 'cluster') => subscriptionObjects(editions[edition], CATALOG).at(-1);

  expect(subscription('hub')).toEqual({
    apiVersion: 'operators.coreos.com/v1alpha1',
    kind: 'Subscription',
    metadata: { name: 'kernel-module-management-hub', namespace: 'openshift-kmm-hub' },
    spec: { name: 'kernel-module-management-hub', ...CATALOG, installPlanApproval: 'Automatic' },
  });
  expect(JSON.stringify(subscription('cluster'))).not.toContain('KMM_MANAGED');
});
