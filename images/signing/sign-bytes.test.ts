import { createPrivateKey, generateKeyPairSync, verify } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { der, readDer, TAG } from './der.ts';
import { HASH_NAMES } from './hashes.ts';
import { signBytes } from './sign-bytes.ts';

const hex = (text: string) => Buffer.from(text, 'hex');

it('signs as RFC 6979 says in appendix A.2.5', () => {
  const key = createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      d: hex('C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721').toString('base64url'),
      x: hex('60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6').toString('base64url'),
      y: hex('7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299').toString('base64url'),
    },
  });
  const [signature] = readDer(signBytes('sha256', Buffer.from('sample'), key));
  const numbers = readDer(signature?.content ?? der(TAG.null)).map(({ content }) => content.toString('hex'));

  expect(numbers).toEqual([
    '00efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716',
    '00f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
  ]);
});

it.each([
  ['P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
  ['P-521', generateKeyPairSync('ec', { namedCurve: 'P-521' })],
  ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 })],
])(
  'signs equal bytes equally with %s and every hash, and openssl verifies it',
  (_name, { privateKey, publicKey }) => {
    fc.assert(
      fc.property(fc.constantFrom(...HASH_NAMES), fc.uint8Array({ maxLength: 100 }), (hash, bytes) => {
        const signature = signBytes(hash, bytes, privateKey);

        expect(verify(hash, bytes, publicKey, signature)).toBe(true);
        expect(Buffer.from(signBytes(hash, bytes, privateKey)).equals(signature)).toBe(true);
      }),
      { numRuns: 15 },
    );
  },
);

it('leaves a curve that no kernel knows to openssl', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
  const bytes = Buffer.from('x');

  expect(verify('sha256', bytes, publicKey, signBytes('sha256', bytes, privateKey))).toBe(true);
});
