import { request } from './under-test.ts';

const CROWD = 'crowd';
const FLOW = '/apis/flowcontrol.apiserver.k8s.io/v1';
const named = (apiVersion: string, kind: string) => ({ apiVersion, kind, metadata: { name: CROWD } });

/** A user who may read all and have one request in flight: paths and what is to be made there. */
export const crowdObjects: readonly (readonly [string, object])[] = [
  [
    '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
    {
      ...named('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding'),
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: CROWD }],
    },
  ],
  [
    `${FLOW}/prioritylevelconfigurations`,
    {
      ...named('flowcontrol.apiserver.k8s.io/v1', 'PriorityLevelConfiguration'),
      spec: {
        type: 'Limited',
        limited: {
          nominalConcurrencyShares: 0,
          lendablePercent: 0,
          borrowingLimitPercent: 0,
          limitResponse: { type: 'Reject' },
        },
      },
    },
  ],
  [
    `${FLOW}/flowschemas`,
    {
      ...named('flowcontrol.apiserver.k8s.io/v1', 'FlowSchema'),
      spec: {
        priorityLevelConfiguration: { name: CROWD },
        matchingPrecedence: 10,
        rules: [
          {
            subjects: [{ kind: 'User', user: { name: CROWD } }],
            resourceRules: [
              { verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true },
            ],
          },
        ],
      },
    },
  ],
];

const list = request('GET', '/api/v1/configmaps');
export const crowdRequest = { ...list, headers: { ...list.headers, 'impersonate-user': CROWD } };
