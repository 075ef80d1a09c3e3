import type { KubeObject } from '@kmm-fleet/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactObject } from './redact-object.ts';
import { REDACTED } from './redact-text.ts';

const SECRET = 'hunter-two';
const object = (fields: object, metadata: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name: 'thing', ...metadata },
  ...fields,
});

describe('a secret is hidden where an object holds it', () => {
  it.each([
    ['data of a Secret', { kind: 'Secret', data: { key: Buffer.from(SECRET).toString('base64') } }],
    ['stringData of a Secret', { kind: 'Secret', stringData: { key: SECRET } }],
    ['binaryData of a ConfigMap', { kind: 'ConfigMap', binaryData: { x: SECRET } }],
    ['a data key', { kind: 'ConfigMap', data: { 'db-password': SECRET } }],
    ['text in data', { kind: 'ConfigMap', data: { 'a.env': `TOKEN=${SECRET}` } }],
    ['a variable', { spec: { env: [{ name: 'DB_PASSWORD', value: SECRET }] } }],
    ['a build argument', { spec: { buildArgs: [{ name: 'GIT_TOKEN', value: SECRET }] } }],
    ['an argument', { spec: { args: ['--password', SECRET] } }],
    ['an argument with =', { spec: { args: [`--api-key=${SECRET}`] } }],
    ['a field', { spec: { clientSecret: SECRET } }],
  ])('%s', (_name, fields) => {
    const redacted = JSON.stringify(redactObject(object(fields)));

    expect(redacted).toContain(REDACTED);
    expect(redacted).not.toContain(SECRET);
    expect(redacted).not.toContain(Buffer.from(SECRET).toString('base64'));
  });

  it('the last applied configuration', () => {
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': `{"x":"${SECRET}"}` };
    expect(JSON.stringify(redactObject(object({}, { annotations })))).not.toContain(SECRET);
  });
});

it('references to secrets, names with hashes, words and digests stay', () => {
  const hash = '74dba50e7b6143c748e753dcf993f6eff30e2ea797a94bd5785cdc53fcc38573';
  const same = object(
    {
      spec: {
        imageRepoSecret: { name: 'repo-pull-secret' },
        volumes: [{ name: 'v', secret: { secretName: 'signing' } }],
        env: [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 's', key: 'token' } } }],
        tolerations: [{ key: 'node.kubernetes.io/x', operator: 'Exists' }],
        automountServiceAccountToken: false,
      },
      status: {
        inputsHash: hash,
        digest: `sha256:${hash}`,
        conditions: [{ type: 'DiskPressure', reason: 'KubeletHasNoDiskPressure', status: 'False' }],
      },
    },
    { name: `${hash}-my-mcm`, uid: '3f2504e0-4f89-11d3-9a0c-0305e82c3301' },
  );

  expect(redactObject(same)).toEqual(same);
});

it('redacting again changes nothing, and the shape stays', () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof({ depthSize: 'small' }, fc.string(), fc.boolean(), fc.integer(), tie('list'), tie('map')),
    list: fc.array(tie('any'), { maxLength: 4 }),
    map: fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom('password', 'value', 'name', 'data')),
      tie('any'),
      {
        maxKeys: 4,
        noNullPrototype: true,
      },
    ),
  })).any;
  const shape = (one: unknown): unknown => {
    if (Array.isArray(one)) return one.map(shape);
    if (typeof one !== 'object' || one === null) return 0;
    return Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, shape(inner)]));
  };
  fc.assert(
    fc.property(value, (spec) => {
      const once = redactObject(object({ spec }));
      expect(redactObject(once)).toEqual(once);
      expect(shape(once['spec'])).toEqual(shape(spec));
    }),
    { numRuns: 500, seed: 3 },
  );
});
