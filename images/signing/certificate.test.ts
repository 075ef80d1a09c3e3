import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { testPair } from '../testing/test-keys.ts';
import { certificateExpiry, commonName, subjectKeyId } from './certificate.ts';
import { der, oid, TAG } from './der.ts';

const { certificate } = testPair('rsa');
const END_MS = certificate.validToDate.getTime();
const DAY_MS = 86_400_000;
const at = (beforeEndMs: number) => new Date(END_MS - beforeEndMs);

it.each([
  ['years before', 365 * DAY_MS, { state: 'ok' }],
  ['a moment before it is soon', 30 * DAY_MS + 1, { state: 'ok' }],
  ['thirty days before', 30 * DAY_MS, { state: 'soon', days: 30 }],
  ['two days and some before', 2.9 * DAY_MS, { state: 'soon', days: 2 }],
  ['in its last second', 0, { state: 'soon', days: 0 }],
  ['a moment after', -1, { state: 'expired' }],
])('%s its end a certificate is %s', (_name, beforeEndMs, expected) => {
  expect(certificateExpiry(certificate, at(beforeEndMs))).toEqual(expected);
});

it('goes from ok over soon to expired and never back, with fewer and fewer days', () => {
  const rank = (beforeEndMs: number) => {
    const expiry = certificateExpiry(certificate, at(beforeEndMs), 14);
    return expiry.state === 'ok' ? 100 : expiry.state === 'soon' ? expiry.days : -1;
  };
  const moment = fc.integer({ min: -20 * DAY_MS, max: 40 * DAY_MS });
  fc.assert(
    fc.property(moment, moment, (a, b) => {
      expect(rank(Math.max(a, b))).toBeGreaterThanOrEqual(rank(Math.min(a, b)));
    }),
  );
});

it.each([
  ['rsa', '2cae094dec4943c95803dfa0bd8150074bead3f1'],
  ['ec', '5d650e884c53eda912194f3c0d4960d1be81c764'],
] as const)('reads the key identifier that openssl shows for %s', (name, keyId) => {
  expect(subjectKeyId(new X509Certificate(testPair(name).certPem))).toBe(keyId);
});

it('shows a common name in one line, and of a name without one the last part', () => {
  const part = (id: string, text: string) =>
    der(TAG.set, der(TAG.sequence, oid(id), der(0x0c, Buffer.from(text))));
  const [organisation, name] = ['2.5.4.10', '2.5.4.3'];

  expect(commonName(der(TAG.sequence, part(organisation, 'Acme'), part(name, 'Red\u001B[31m\nkey')))).toBe(
    'Red key',
  );
  expect(commonName(der(TAG.sequence, part(organisation, 'Acme')))).toBe('Acme');
});
