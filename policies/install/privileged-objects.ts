import { apiVersionOf, CORE, type KubeObject } from '@kmm-fleet/runtime';
import type { Edition } from './editions.ts';

const { group: GROUP } = CORE.role;
const API_VERSION = apiVersionOf(CORE.role);

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
      apiVersion: API_VERSION,
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
      apiVersion: API_VERSION,
      kind: 'RoleBinding',
      metadata,
      subjects: privileged.map((account) => ({ kind: 'ServiceAccount', namespace, name: account })),
      roleRef: { apiGroup: GROUP, kind: 'Role', name },
    },
  ];
}
