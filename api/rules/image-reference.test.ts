import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  formatImageReference,
  parseImageReference,
  unsignedReference,
  withDigest,
} from './image-reference.ts';

const digest = `sha256:${'0a'.repeat(32)}`;

it.each([
  ['quay.io/org/kmod:1', { registry: 'quay.io', repository: 'org/kmod', tag: '1' }],
  ['host:5000/kmod', { registry: 'host:5000', repository: 'kmod' }],
  ['localhost/a/b/c', { registry: 'localhost', repository: 'a/b/c' }],
  ['busybox', { registry: 'docker.io', repository: 'library/busybox' }],
  ['docker.io/busybox', { registry: 'docker.io', repository: 'library/busybox' }],
  ['org/kmod', { registry: 'docker.io', repository: 'org/kmod' }],
  [`quay.io/org/kmod@${digest}`, { registry: 'quay.io', repository: 'org/kmod', digest }],
  [`quay.io/org/kmod:1@${digest}`, { registry: 'quay.io', repository: 'org/kmod', tag: '1', digest }],
  [`r.io/${'a'.repeat(255)}:${'t'.repeat(128)}`, { repository: 'a'.repeat(255), tag: 't'.repeat(128) }],
])('reads %.60s', (text, reference) => {
  expect(parseImageReference(text)).toMatchObject({ ok: true, value: reference });
});

it.each([
  '',
  'quay.io/',
  'quay.io/Org/kmod',
  'quay.io/org//kmod',
  'quay.io/org/kmod:',
  'quay.io/org/kmod:-1',
  'quay.io/org/kmod@sha256:12',
  `quay.io/org/kmod@${digest}@${digest}`,
  '[::1]:5000/kmod',
  'host:port/kmod',
  '-host.io/kmod',
  '<my_kmod>',
  'quay.io/org/kmod:1 ',
  `r.io/${'a'.repeat(256)}`,
  `r.io/a:${'t'.repeat(129)}`,
])('refuses %.60j', (text) => {
  expect(parseImageReference(text)).toMatchObject({
    ok: false,
    findings: [{ reason: 'ImageReferenceInvalid' }],
  });
});

const part = fc.stringMatching(/^[a-z0-9]{1,8}([._-][a-z0-9]{1,8})?$/);
const references = fc.record(
  {
    registry: fc.constantFrom('quay.io', 'localhost', 'localhost:5000', 'docker.io', '10.0.0.1:5000'),
    repository: fc.array(part, { minLength: 2, maxLength: 4 }).map((parts) => parts.join('/')),
    tag: fc.stringMatching(/^\w[\w.-]{0,20}$/),
    digest: fc.constant(digest),
  },
  { requiredKeys: ['registry', 'repository'] },
);

it('reads what it wrote', () => {
  fc.assert(
    fc.property(references, (reference) => {
      expect(parseImageReference(formatImageReference(reference))).toMatchObject({
        ok: true,
        value: reference,
      });
    }),
  );
});

it('drops the tag for a digest', () => {
  fc.assert(
    fc.property(references, (reference) => {
      expect(withDigest(reference, digest)).toBe(`${reference.registry}/${reference.repository}@${digest}`);
    }),
  );
});

it.each([
  ['quay.io/org/kmod:final', 'quay.io/org/kmod:final_default_example-module_kmm_unsigned'],
  ['host:5000/kmod', 'host:5000/kmod:default_example-module_kmm_unsigned'],
  [`quay.io/org/kmod@${digest}`, 'quay.io/org/kmod:default_example-module_kmm_unsigned'],
  [`quay.io/org/kmod:1@${digest}`, 'quay.io/org/kmod:default_example-module_kmm_unsigned'],
])('puts the unsigned result of %.30s beside it', (final, unsigned) => {
  const parsed = parseImageReference(final);
  expect(parsed.ok && unsignedReference(parsed.value, 'default', 'example-module')).toBe(unsigned);
});

it('keeps unsigned references valid and apart, however long the tag is', () => {
  const tag = fc.stringMatching(/^\w{100,128}$/);
  fc.assert(
    fc.property(tag, tag, (one, other) => {
      const [a, b] = [one, other].map((tag) =>
        unsignedReference({ registry: 'quay.io', repository: 'org/kmod', tag }, 'namespace', 'module'),
      );
      expect(parseImageReference(a ?? '')).toMatchObject({ ok: true });
      expect(a === b).toBe(one === other);
    }),
  );
});
