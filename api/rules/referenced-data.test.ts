import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkDockerfileConfigMap, checkSigningSecret, readDockerfile } from './referenced-data.ts';

it.each([
  { data: undefined, reason: 'ConfigMapMissing', says: 'Create it' },
  { data: {}, reason: 'ConfigMapKeyMissing', says: 'Add "dockerfile"' },
  {
    data: { Dockerfile: 'FROM x' },
    reason: 'ConfigMapKeyMissing',
    says: 'Rename "Dockerfile" to "dockerfile"',
  },
  { data: { dockerfile: '' }, reason: 'ConfigMapKeyMissing', says: 'dockerfile' },
])('says what a ConfigMap with $data lacks', ({ data, reason, says }) => {
  const [finding] = checkDockerfileConfigMap('my-config', data as Record<string, string>);
  expect(finding).toMatchObject({ reason, message: expect.stringContaining('my-config') });
  expect(finding?.nextStep).toContain(says);
});

it('says that both guide commands name the key alike: a certificate under `key` is renamed to `cert`', () => {
  const findings = checkSigningSecret('my-signing-key-pub', { key: 'AAAA' }, 'cert');
  expect(findings).toMatchObject([
    { reason: 'SecretKeyMissing', path: 'data.cert', nextStep: 'Rename "key" to "cert".' },
  ]);
});

it('finds nothing wrong where the key is, whatever stands beside it', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string()), fc.string({ minLength: 1 }), (others, text) => {
      const data = { ...others, dockerfile: text, key: text };
      expect(readDockerfile('c', data)).toMatchObject({ ok: true, value: text });
      expect(checkSigningSecret('s', data, 'key')).toEqual([]);
    }),
  );
});
