import { LABELS } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { withOptions } from './edition-options.ts';
import { editions } from './editions.ts';
import { helmChart } from './helm-chart.ts';
import { operatorObjects } from './operator-objects.ts';

const IMAGES = { operator: 'r.example.com/kmm:1', mustGather: 'r.example.com/gather:1' };
const guarded = (name: 'spoke' | 'cluster') => withOptions(editions[name], { guardsNamespaces: true });

it.each(['spoke', 'cluster'] as const)(
  'the guard of %s adds rights, policies and a setting, and nothing else',
  (name) => {
    const before = operatorObjects(editions[name], IMAGES);
    const after = operatorObjects(guarded(name), IMAGES);
    const keyOf = ({ kind, metadata }: KubeObject) => `${kind} ${metadata.name}`;
    const known = new Map(before.map((object) => [keyOf(object), JSON.stringify(object)]));
    const changed = after.filter((object) => known.get(keyOf(object)) !== JSON.stringify(object));

    expect(changed.map(keyOf)).toEqual([
      'ClusterRole kmm-operator-controller',
      'ValidatingAdmissionPolicy kmm-namespaces-with-modules',
      'ValidatingAdmissionPolicyBinding kmm-namespaces-with-modules',
      'ValidatingAdmissionPolicy kmm-operator-labels-namespaces',
      'ValidatingAdmissionPolicyBinding kmm-operator-labels-namespaces',
      'Deployment kmm-operator-controller-manager',
    ]);
    expect(after).toHaveLength(before.length + 4);
    const [role] = changed as [KubeObject & { rules: object[] }];
    expect(role.rules.at(-1)).toEqual({
      apiGroups: [''],
      resources: ['namespaces'],
      verbs: ['list', 'watch', 'patch'],
    });
    expect(JSON.stringify(changed.at(-1))).toContain('KMM_GUARD_NAMESPACES');
  },
);

it('without it no operator has a right on namespaces', () => {
  const rules = Object.values(editions).flatMap(({ accesses }) => accesses.flatMap(({ cluster }) => cluster));

  expect(rules.filter(({ resources }) => resources.includes('namespaces'))).toEqual([]);
});

it('wants a Kubernetes that has the policies, and knows the operator in every namespace', () => {
  const { 'Chart.yaml': chart, 'templates/operator.yaml': objects = '' } = helmChart(
    guarded('spoke'),
    IMAGES,
    '1.0.0',
  );

  expect(chart).toContain('>=1.30.0-0');
  expect(objects).toContain(LABELS.containsModules);
  expect(objects).toContain(":kmm-operator-controller$')");
});
