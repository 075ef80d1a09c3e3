import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeModule } from '../testing/make-module.ts';
import { testPair } from '../testing/test-keys.ts';
import { der, TAG } from './der.ts';
import { describeSigner, readSignature, signModule } from './module-signature.ts';
import { stripSignature } from './signature-block.ts';
import { verifyModule } from './verify-module.ts';

const module = makeModule({ name: 'kmm_a', kernel: '6.1.0' });
const rsa = testPair('rsa');
const ec = testPair('ec');
const stranger = testPair('stranger');

describe.each([
  ['rsa', rsa],
  ['ec', ec],
] as const)('a module signed with %s', (_name, pair) => {
  it.each(['sha256', 'sha384', 'sha512'] as const)('verifies with %s against its certificate', (hash) => {
    const signed = signModule(module, pair, hash);

    expect(verifyModule(signed, [stranger.certificate, pair.certificate])).toBe('signed');
    expect(readSignature(signed)?.hash).toBe(hash);
  });

  it('is unknown where only another key is trusted, and unsigned without a signature', () => {
    expect(verifyModule(signModule(module, pair), [stranger.certificate])).toBe('unknown-key');
    expect(verifyModule(module, [pair.certificate])).toBe('unsigned');
  });
});

it.each([
  ['RSA', rsa],
  ['EC', ec],
])(
  'signs equal bytes to equal bytes with %s, and replaces a signature instead of adding one',
  (_name, pair) => {
    const once = signModule(module, pair);

    expect(signModule(module, pair).equals(once)).toBe(true);
    expect(signModule(once, pair).equals(once)).toBe(true);
    expect(signModule(signModule(module, stranger), pair).equals(once)).toBe(true);
  },
);

it('gives the module back when the signature is stripped, whatever the bytes are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(Buffer.from(stripSignature(signModule(bytes, rsa))).equals(Buffer.from(bytes))).toBe(true);
    }),
    { numRuns: 30 },
  );
});

it('notices one changed byte anywhere in the content', () => {
  const signed = signModule(module, rsa);
  fc.assert(
    fc.property(fc.nat(module.byteLength - 1), (at) => {
      const tampered = Buffer.from(signed);
      tampered[at] = (tampered[at] ?? 0) ^ 1;
      expect(verifyModule(tampered, [rsa.certificate])).toBe('tampered');
    }),
    { numRuns: 50 },
  );
});

it('never throws on a signature that somebody made up', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 120 }), (junk) => {
      const signed = signModule(module, rsa);
      const forged = Buffer.concat([module, junk, signed.subarray(signed.byteLength - 40)]);
      expect(['unsigned', 'unknown-key', 'tampered']).toContain(verifyModule(forged, [rsa.certificate]));
    }),
  );
});

it.each([
  ['17af', '17af'],
  // DER keeps a zero in front of what would else be negative; modinfo and openssl do not show it.
  ['008df030', '8df030'],
  ['00', '00'],
])('a serial number of content %s is shown as %s', (content, shown) => {
  const serial = der(TAG.integer, Buffer.from(content, 'hex'));
  const issuerAndSerial = der(TAG.sequence, der(TAG.sequence), serial);

  expect(describeSigner({ by: 'issuer-and-serial', issuerAndSerial }).keyId).toBe(shown);
});
