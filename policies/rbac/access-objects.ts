import { apiVersionOf, CORE, type KubeObject } from '@kmm-fleet/runtime';
import type { Access, PolicyRule } from './access.ts';

const { group: GROUP } = CORE.role;
const API_VERSION = apiVersionOf(CORE.role);

/** The name that the API server knows a service account by. */
export const userOf = ({ account }: Access) => `system:serviceaccount:${account.namespace}:${account.name}`;

/** The objects that grant it, in the order to apply them. The namespace and somebody else's account must be there. */
export function accessObjects(access: Access): KubeObject[] {
  const { name, binding = name, account, cluster, own } = access;
  const { namespace } = account;
  const of = (kind: string) => ({ subjects: [subjectOf(access)], roleRef: { apiGroup: GROUP, kind, name } });
  const objects: KubeObject[] = [
    roleOf('ClusterRole', { name }, cluster),
    {
      apiVersion: API_VERSION,
      kind: 'ClusterRoleBinding',
      metadata: { name: binding },
      ...of('ClusterRole'),
    },
  ];
  if (own.length === 0) return objects;
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name: account.name } },
    ...objects,
    roleOf('Role', { namespace, name }, own),
    { apiVersion: API_VERSION, kind: 'RoleBinding', metadata: { namespace, name }, ...of('Role') },
  ];
}

const subjectOf = ({ account }: Access) => ({ kind: 'ServiceAccount', ...account });

function roleOf(kind: string, metadata: KubeObject['metadata'], rules: readonly PolicyRule[]): KubeObject {
  return { apiVersion: API_VERSION, kind, metadata, rules };
}
