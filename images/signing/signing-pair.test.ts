import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { testPair } from '../testing/test-keys.ts';
import { readSigningPair } from './signing-pair.ts';

const rsa = testPair('rsa');
const pass = { cipher: 'aes-256-cbc', passphrase: 'secret' } as const;
const read = (key: Uint8Array | string, cert: Uint8Array | string = rsa.certPem) =>
  readSigningPair(
    { secret: 'my-key', bytes: Buffer.from(key) },
    { secret: 'my-cert', bytes: Buffer.from(cert) },
  );
const other = generateKeyPairSync('ed25519').privateKey;

it.each([
  ['PEM', rsa.keyPem, rsa.certPem],
  ['DER', rsa.key.export({ type: 'pkcs8', format: 'der' }), rsa.certificate.raw],
  ['DER as old tools write it', rsa.key.export({ type: 'pkcs1', format: 'der' }), rsa.certPem],
  ['PEM with an EC key', testPair('ec').keyPem, testPair('ec').certPem],
  [
    'DER with an EC key as old tools write it',
    testPair('ec').key.export({ type: 'sec1', format: 'der' }),
    testPair('ec').certPem,
  ],
])('reads %s', (_name, key, cert) => {
  expect(read(key, cert)).toMatchObject({ ok: true });
});

describe('what is wrong has one reason, which names the Secret and the next step', () => {
  it.each([
    ['nothing', '', 'SigningKeyInvalid', /no private key/],
    ['a certificate in place of the key', rsa.certPem, 'SigningKeyInvalid', /no private key/],
    [
      'an encrypted key',
      rsa.key.export({ type: 'pkcs8', format: 'pem', ...pass }),
      'SigningKeyEncrypted',
      /is encrypted/,
    ],
    [
      'an encrypted key as old tools write it',
      rsa.key.export({ type: 'pkcs1', format: 'pem', ...pass }),
      'SigningKeyEncrypted',
      /is encrypted/,
    ],
    [
      'an encrypted key in DER',
      rsa.key.export({ type: 'pkcs8', format: 'der', ...pass }),
      'SigningKeyEncrypted',
      /is encrypted/,
    ],
    [
      'another type of key',
      other.export({ type: 'pkcs8', format: 'pem' }),
      'SigningKeyInvalid',
      /neither RSA nor EC/,
    ],
    ['the key of another certificate', testPair('stranger').keyPem, 'SigningPairMismatch', /does not belong/],
  ])('%s', (_name, key, reason, words) => {
    const checked = read(key);

    expect(checked).toMatchObject({
      ok: false,
      findings: [{ reason, path: 'data.key', message: expect.stringMatching(words) }],
    });
    expect(JSON.stringify(checked)).toContain('Secret my-key');
  });

  it('a certificate that is none', () => {
    expect(read(rsa.keyPem, 'nonsense')).toMatchObject({
      ok: false,
      findings: [{ reason: 'CertificateInvalid', path: 'data.cert' }],
    });
  });
});
