import type { KubeObject } from '@kmm-fleet/runtime';
import { describe, expect, it } from 'vitest';
import { policyObjects } from './fleet-objects.ts';

const role: KubeObject = { apiVersion: 'rbac/v1', kind: 'ClusterRole', metadata: { name: 'r' } };
const account: KubeObject = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'a' } };
const OPTIONS = { namespace: 'policies', name: 'install-kmm', clusterLabels: {}, clusterSet: 'global' };

const of = (objects: readonly KubeObject[], kind: string) => {
  const object = objects.find((one) => one.kind === kind);
  if (!object) throw new Error(`no ${kind}`);
  return object as KubeObject & { readonly spec: never };
};

describe('a Policy', () => {
  const objects = policyObjects([account, role], OPTIONS);

  it('holds every object in its order; rights are just what is written', () => {
    const [{ objectDefinition }] = of(objects, 'Policy').spec['policy-templates'] as [
      { objectDefinition: { spec: Record<string, unknown> } },
    ];

    expect(objectDefinition.spec['object-templates']).toEqual([
      { complianceType: 'musthave', objectDefinition: account },
      { complianceType: 'mustonlyhave', objectDefinition: role },
    ]);
  });

  it('is bound to its Placement by their names, in one namespace', () => {
    expect(of(objects, 'PlacementBinding')).toMatchObject({
      metadata: { namespace: 'policies' },
      placementRef: { kind: 'Placement', name: of(objects, 'Placement').metadata.name },
      subjects: [{ kind: 'Policy', name: of(objects, 'Policy').metadata.name }],
    });
    expect(new Set(objects.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['policies']));
  });
});

describe('with a PlacementRule', () => {
  const objects = (clusterLabels: Readonly<Record<string, string>>) =>
    policyObjects([role], { ...OPTIONS, placementRule: true, clusterLabels });

  it('is bound to it, and needs no set of clusters', () => {
    expect(objects({}).map(({ kind }) => kind)).toEqual(['Policy', 'PlacementRule', 'PlacementBinding']);
    expect(of(objects({}), 'PlacementBinding')).toMatchObject({
      placementRef: { apiGroup: 'apps.open-cluster-management.io', kind: 'PlacementRule' },
    });
  });

  it('is for all clusters, or for those with the labels', () => {
    expect(of(objects({}), 'PlacementRule').spec).toEqual({ clusterSelector: { matchExpressions: [] } });
    expect(of(objects({ gpu: 'true' }), 'PlacementRule').spec).toEqual({
      clusterSelector: { matchLabels: { gpu: 'true' } },
    });
  });
});

describe('the Placement', () => {
  const placement = (clusterLabels: Readonly<Record<string, string>>) =>
    of(policyObjects([], { ...OPTIONS, clusterLabels }), 'Placement').spec as {
      readonly predicates?: unknown;
      readonly clusterSets: unknown;
    };

  it('takes all clusters of its set when no label is given', () => {
    expect(placement({}).predicates).toBeUndefined();
    expect(placement({}).clusterSets).toEqual(['global']);
  });

  it('takes those with all the labels given', () => {
    expect(placement({ gpu: 'true', site: 'edge' }).predicates).toEqual([
      { requiredClusterSelector: { labelSelector: { matchLabels: { gpu: 'true', site: 'edge' } } } },
    ]);
  });
});
