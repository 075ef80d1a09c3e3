import fc from 'fast-check';
import { expect, it } from 'vitest';
import { describeFinding } from '../finding.ts';
import { answerReview } from './admission.ts';
import { checkManagedClusterModule, checkModule } from './check.ts';

const mapping = { regexp: '^6', containerImage: 'r.example.com/kmod:1' };
const spec = (mappings: readonly object[] = [mapping], rest: object = {}) => ({
  selector: { driver: 'wanted' },
  moduleLoader: { container: { modprobe: { moduleName: 'kmod' }, kernelMappings: mappings } },
  ...rest,
});
const moduleOf = (moduleSpec: object = spec(), metadata: object = {}) => ({
  apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
  kind: 'Module',
  metadata: { name: 'kmod', namespace: 'drivers', ...metadata },
  spec: moduleSpec,
});
const good = moduleOf();
const bad = moduleOf(spec([{ ...mapping, regexp: '([' }]));

const review = (operation: string, object: unknown, oldObject: unknown = null) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: { uid: 'u1', operation, object, oldObject, dryRun: false },
});
const verdictOf = (...args: Parameters<typeof review>) =>
  answerReview(review(...args), checkModule)?.response;

it.each<[string, Parameters<typeof review>, boolean]>([
  ['a good object that is made', ['CREATE', good], true],
  ['a bad object that is made', ['CREATE', bad], false],
  ['a good object that turns bad', ['UPDATE', bad, good], false],
  ['a bad object that turns good', ['UPDATE', good, bad], true],
  ['a bad object that stays bad, with another fault', ['UPDATE', moduleOf(spec([])), bad], false],
  [
    'a bad object whose labels change',
    ['UPDATE', { ...bad, metadata: { ...bad.metadata, labels: { a: 'b' } } }, bad],
    true,
  ],
  ['a bad object that is going', ['UPDATE', moduleOf(spec([]), { deletionTimestamp: 'now' }), good], true],
  ['a bad object that is deleted', ['DELETE', null, bad], true],
  ['nothing at all', ['CREATE', null], false],
])('%s', (_name, args, allowed) => {
  expect(verdictOf(...args)).toMatchObject({ uid: 'u1', allowed });
});

it('refuses in the words of kmm lint, and passes its warnings on', () => {
  expect(verdictOf('CREATE', bad)?.status).toMatchObject({
    code: 422,
    message: expect.stringMatching(/^spec\.moduleLoader\.container\.kernelMappings\[0\]\.regexp: /),
  });
  const dra = { driverName: 'd.example.com', container: { image: 'r.example.com/dra:1' } };
  expect(verdictOf('CREATE', moduleOf(spec([mapping], { dra })))).toMatchObject({
    allowed: true,
    warnings: [expect.stringContaining('DRA drivers are accepted but not deployed.')],
  });
});

it.each([
  ['nothing', undefined],
  ['text', 'AdmissionReview'],
  ['another version', { ...review('CREATE', good), apiVersion: 'admission.k8s.io/v1beta1' }],
  ['a request without uid', { ...review('CREATE', good), request: { operation: 'CREATE' } }],
])('has no answer to %s', (_name, body) => {
  expect(answerReview(body, checkModule)).toBeUndefined();
});

it('decides as the rule does, whatever the object is, and never throws', () => {
  const field = fc.oneof(
    fc.json(),
    fc.constantFrom('^6', '([', 'x:1', ''),
    fc.integer(),
    fc.constant(undefined),
  );
  const wild = fc.record({ literal: field, regexp: field, containerImage: field });
  const specs = fc.record({ mappings: fc.array(wild, { maxLength: 3 }), tolerations: fc.array(fc.object()) });
  const objects = fc.oneof(
    specs.map(({ mappings, tolerations }) => moduleOf(spec(mappings, { tolerations }))),
    fc.record({ name: fc.string(), namespace: fc.string() }).map((metadata) => moduleOf(spec(), metadata)),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(objects, fc.constantFrom(checkModule, checkManagedClusterModule), (object, check) => {
      const response = answerReview(review('CREATE', object), check)?.response;
      const checked = check(object);
      expect(response?.allowed).toBe(checked.ok);
      const [first] = checked.ok ? [] : checked.findings.filter(({ severity }) => severity === 'error');
      if (first) expect(response?.status?.message).toContain(describeFinding(first).slice(0, 1_000));
    }),
  );
});
