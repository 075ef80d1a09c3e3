/** Kinds of Operator Lifecycle Manager, as far as a Policy needs them: they take any fields. */
export const olmKinds = {
  apiVersion: 'v1',
  kind: 'List',
  items: [kind('OperatorGroup', 'v1'), kind('Subscription', 'v1alpha1')],
};

function kind(name: string, version: string) {
  const group = 'operators.coreos.com';
  const plural = `${name.toLowerCase()}s`;
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind: name, plural, singular: name.toLowerCase() },
      versions: [{ name: version, served: true, storage: true, schema }],
    },
  };
}
