import type { KubeObject } from '@kmm-fleet/runtime';
import type { Edition } from './editions.ts';

const GROUP = 'rbac.authorization.k8s.io';

/**
 * OpenShift asks by SecurityContextConstraints (SCC) which account may run privileged pods: those that load modules, and
 * the operator that builds. Other clusters know no such resource, and the Role grants nothing there.
 */
export function privilegedObjects(
  { namespace, privileged }: Pick<Edition, 'namespace' | 'privileged'>,
  name = 'kmm-privileged',
): KubeObject[] {
  const metadata = { namespace, name };
  return [
    {
      apiVersion: `${GROUP}/v1`,
      kind: 'Role',
      metadata,
      rules: [
        {
          apiGroups: ['security.openshift.io'],
          resources: ['securitycontextconstraints'],
          verbs: ['use'],
          resourceNames: ['privileged'],
        },
      ],
    },
    {
      apiVersion: `${GROUP}/v1`,
      kind: 'RoleBinding',
      metadata,
      subjects: privileged.map((account) => ({ kind: 'ServiceAccount', namespace, name: account })),
      roleRef: { apiGroup: GROUP, kind: 'Role', name },
    },
  ];
}
