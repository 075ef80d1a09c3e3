import { expect, it } from 'vitest';
import { withOptions } from './edition-options.ts';
import { EDITIONS, editions } from './editions.ts';
import { operatorObjects } from './operator-objects.ts';
import { typeOf } from './type-of.ts';

it('knows every kind that is printed, in a namespace exactly when its objects are', () => {
  const objects = EDITIONS.flatMap((name) =>
    operatorObjects(
      withOptions(editions[name], { guardsNamespaces: name !== 'hub', certificates: 'cert-manager' }),
      { operator: 'i', mustGather: 'i' },
    ),
  );

  expect(objects.length).toBeGreaterThan(30);
  for (const object of objects)
    expect(typeOf(object).namespaced).toBe(object.metadata.namespace !== undefined);
});

it.each([
  ['admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy', 'validatingadmissionpolicies'],
  ['cert-manager.io/v1', 'Issuer', 'issuers'],
  ['v1', 'Service', 'services'],
])('has %s %s as %s', (apiVersion, kind, plural) => {
  expect(typeOf({ apiVersion, kind }).plural).toBe(plural);
});

it('guesses nothing', () => {
  expect(() => typeOf({ apiVersion: 'apps/v2', kind: 'Deployment' })).toThrow(RangeError);
});
