import { LABELS } from '@kmm-fleet/api';
import { apiVersionOf, CORE, type KubeObject } from '@kmm-fleet/runtime';
import type { Edition } from './editions.ts';

const API_VERSION = apiVersionOf(CORE.validatingAdmissionPolicy);
const LABEL = LABELS.containsModules;

/**
 * The API server itself keeps a namespace as long as there are Modules in it, and sees to it that the operator, whose
 * right to label namespaces RBAC cannot narrow, changes nothing of them but that label. Nothing has to run for either.
 */
export function namespaceGuardObjects({ accesses }: Edition): KubeObject[] {
  const [own] = accesses;
  return [
    ...policyAndBinding('kmm-namespaces-with-modules', {
      matchConstraints: {
        objectSelector: { matchLabels: { [LABEL]: '' } },
        resourceRules: [onNamespaces('DELETE')],
      },
      validations: [
        {
          expression: 'false',
          messageExpression: `'There are Modules in ' + oldObject.metadata.name + '. Delete them first, so that their nodes unload them: kubectl delete modules.kmm.sigs.x-k8s.io --all -n ' + oldObject.metadata.name + '. If no operator runs any more, remove the label ${LABEL} from the namespace.'`,
          message: `There are Modules in the namespace: it has the label ${LABEL}. Delete them first.`,
        },
      ],
    }),
    ...policyAndBinding('kmm-operator-labels-namespaces', {
      matchConstraints: { resourceRules: [onNamespaces('UPDATE')] },
      matchConditions: [
        {
          name: 'operator',
          // In whatever namespace: forms of installation move it.
          expression: `request.userInfo.username.matches('^system:serviceaccount:[^:]+:${own?.account.name}$')`,
        },
      ],
      variables: ['object', 'oldObject'].flatMap((side) => [
        { name: `${side}Labels`, expression: mapOf(side, 'labels') },
        { name: `${side}Annotations`, expression: mapOf(side, 'annotations') },
      ]),
      validations: [
        {
          expression: [
            keptIn('object', 'oldObject'),
            keptIn('oldObject', 'object'),
            'variables.objectAnnotations == variables.oldObjectAnnotations',
          ].join(' && '),
          message: `The operator may change nothing of a namespace but the label ${LABEL}.`,
        },
      ],
    }),
  ];
}

const onNamespaces = (operation: 'DELETE' | 'UPDATE') => ({
  apiGroups: [''],
  apiVersions: ['v1'],
  operations: [operation],
  resources: ['namespaces'],
});

const mapOf = (side: string, field: string) =>
  `has(${side}.metadata.${field}) ? ${side}.metadata.${field} : {}`;

/** All other labels of one side are as on the other side. */
const keptIn = (from: string, to: string) => {
  const [labels, others] = [`variables.${from}Labels`, `variables.${to}Labels`];
  return `${labels}.all(key, key == '${LABEL}' || (key in ${others} && ${labels}[key] == ${others}[key]))`;
};

function policyAndBinding(name: string, spec: object): KubeObject[] {
  return [
    {
      apiVersion: API_VERSION,
      kind: CORE.validatingAdmissionPolicy.kind,
      metadata: { name },
      spec: { failurePolicy: 'Fail', ...spec },
    },
    {
      apiVersion: API_VERSION,
      kind: CORE.validatingAdmissionPolicyBinding.kind,
      metadata: { name },
      spec: { policyName: name, validationActions: ['Deny'] },
    },
  ];
}
