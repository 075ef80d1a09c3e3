import { LABELS } from '@kmm-fleet/api';
import { editions, operatorObjects, withOptions } from '@kmm-fleet/policies';
import { Environment } from '@marcbachmann/cel-js';
import fc from 'fast-check';
import { expect, it } from 'vitest';

interface Policy {
  readonly spec: {
    readonly matchConditions: readonly [{ readonly expression: string }];
    readonly variables: readonly { readonly name: string; readonly expression: string }[];
    readonly validations: readonly [{ readonly expression: string; readonly messageExpression?: string }];
  };
}

const objects = operatorObjects(withOptions(editions.spoke, { guardsNamespaces: true }), {
  operator: 'r.example.com/kmm:1',
  mustGather: 'r.example.com/kmm:1',
});
const specOf = (name: string) =>
  (
    objects.find(
      ({ kind, metadata }) => kind === 'ValidatingAdmissionPolicy' && metadata.name === name,
    ) as unknown as Policy
  ).spec;
const cel = new Environment({ unlistedVariablesAreDyn: true });

interface Space {
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
}

/** Whether an API server lets the operator make the second of the first. */
function lets(before: Space, after: Space): unknown {
  const { variables, validations } = specOf('kmm-operator-labels-namespaces');
  const context = { object: { metadata: after }, oldObject: { metadata: before } };
  const values = Object.fromEntries(
    variables.map(({ name, expression }) => [name, cel.evaluate(expression, context)]),
  );
  return cel.evaluate(validations[0].expression, { ...context, variables: values });
}

it('the operator may change its own label of a namespace and nothing else, whatever there is', () => {
  const map = fc.dictionary(fc.constantFrom('team', 'a/b', LABELS.containsModules), fc.constantFrom('', 'x'));
  const side = fc.record({ labels: map, annotations: map }, { requiredKeys: [] });
  fc.assert(
    fc.property(side, side, (before, after) => {
      const rest = ({ labels = {}, annotations = {} }: Space) => {
        const { [LABELS.containsModules]: _, ...others } = labels;
        return [sorted(others), sorted(annotations)];
      };
      expect(lets(before, after)).toBe(JSON.stringify(rest(before)) === JSON.stringify(rest(after)));
    }),
  );
});

it.each([
  ['system:serviceaccount:openshift-kmm:kmm-operator-controller', true],
  ['system:serviceaccount:elsewhere:kmm-operator-controller', true],
  ['system:serviceaccount:openshift-kmm:kmm-operator-controller-2', false],
  ['admin', false],
])('%s is held to it: %s', (username, isHeld) => {
  const [{ expression }] = specOf('kmm-operator-labels-namespaces').matchConditions;

  expect(cel.evaluate(expression, { request: { userInfo: { username } } })).toBe(isHeld);
});

it('a namespace that is kept is told with what to do', () => {
  const { messageExpression = '' } = specOf('kmm-namespaces-with-modules').validations[0];

  expect(cel.evaluate(messageExpression, { oldObject: { metadata: { name: 'drivers' } } })).toMatch(
    /^There are Modules in drivers\. Delete them first.*--all -n drivers\. .*remove the label/,
  );
});

const sorted = (map: Readonly<Record<string, string>>) =>
  Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
