import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeModule } from '../testing/make-module.ts';
import { testPair } from '../testing/test-keys.ts';
import { subjectKeyId } from './certificate.ts';
import { der, oid, TAG } from './der.ts';
import { HASH_NAMES } from './hashes.ts';
import { signModule } from './module-signature.ts';
import { joinModule, splitModule } from './signature-block.ts';
import { judgeModule, type SignatureVerdict, verifyModule } from './verify-module.ts';

const module = makeModule({ name: 'kmm_a', kernel: '6.1.0' });
const [rsa, ec, stranger] = [testPair('rsa'), testPair('ec'), testPair('stranger')];
const NOW = new Date('2030-01-01');
const judge = (file: Uint8Array, ...pairs: (typeof rsa)[]) =>
  judgeModule(
    file,
    pairs.map(({ certificate }) => certificate),
    NOW,
  );

describe.each(HASH_NAMES)('a signature with %s', (hash) => {
  it.each([
    ['RSA', rsa],
    ['EC', ec],
  ])('is good with %s, and says who made it', (_name, pair) => {
    expect(judge(signModule(module, pair, hash), stranger, pair)).toMatchObject({
      verdict: 'ok',
      hash,
      signer: pair.certificate.subject.replace('CN=', ''),
      keyId: pair.certificate.serialNumber.toLowerCase(),
    });
  });
});

const signed = signModule(module, rsa);
const edit = (at: number, change: (byte: number) => number) => {
  const bytes = Buffer.from(signed);
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = change(bytes[index] ?? 0);
  return bytes;
};
const [MAGIC_BYTES, TRAILER_BYTES] = [28, 12];
const trailer = (byte: number) => byte - TRAILER_BYTES - MAGIC_BYTES;

describe('every signature that is worth nothing has its own verdict and reason', () => {
  it.each<[string, Uint8Array, SignatureVerdict, RegExp]>([
    ['none', module, 'unsigned', /no signature/],
    [
      'one by another key',
      signModule(module, stranger),
      'other-key',
      new RegExp(`another key, ${stranger.certificate.serialNumber.toLowerCase()} \\(".*"\\)`),
    ],
    ['one over other bytes', edit(100, (byte) => byte ^ 1), 'tampered', /changed after signing/],
    ['a signature that is changed itself', edit(trailer(-1), (byte) => byte ^ 1), 'tampered', /does not fit/],
    ['another kind of signature', edit(trailer(2), () => 1), 'malformed', /no PKCS#7/],
    ['a header with something in it', edit(trailer(0), () => 1), 'malformed', /odd header/],
    ['one longer than the file', edit(trailer(8), () => 255), 'malformed', /longer than the file/],
    ['a file of the mark alone', signed.subarray(-MAGIC_BYTES), 'malformed', /ends before/],
    ['one that is no DER', joinModule(module, Buffer.from('junk')), 'malformed', /cut or no DER/],
    ['one of nothing', joinModule(module, Buffer.alloc(0)), 'malformed', /no PKCS#7 SignedData/],
    ['one of 100 kB', joinModule(module, Buffer.alloc(100_000)), 'malformed', /longer than 65536/],
    ['no signer', joinModule(module, message()), 'malformed', /0 signers/],
    ['two signers', joinModule(module, message(signer(), signer())), 'malformed', /2 signers/],
    ['an unknown hash', joinModule(module, message(signer('1.2.3'))), 'malformed', /do not know/],
    [
      'signed attributes',
      joinModule(module, message(signer(undefined, der(0xa0)))),
      'malformed',
      /attributes/,
    ],
    ['contents of its own', joinModule(module, message([der(0xa0)])), 'malformed', /not detached/],
  ])('%s', (_name, file, verdict, reason) => {
    const judgement = judge(file, rsa, ec);

    expect(judgement.verdict).toBe(verdict);
    expect(judgement.reason).toMatch(reason);
    expect(judgement.reason).toMatch(/^[A-Z].*\.$/);
  });
});

it.each([
  ['2126-10-30T12:35:50Z', 'ok'],
  ['2126-10-30T12:35:51Z', 'expired'],
  ['2026-11-23T12:35:49Z', 'not-yet-valid'],
])('at %s a good signature is %s, and a kernel takes it all the same', (now, verdict) => {
  expect(judgeModule(signed, [rsa.certificate], new Date(now)).verdict).toBe(verdict);
  expect(verifyModule(signed, [rsa.certificate])).toBe('signed');
});

it('knows a signer by the key identifier too, as sign-file -k writes it', () => {
  const keyId = Buffer.from(subjectKeyId(rsa.certificate) ?? '', 'hex');
  const parts = splitModule(signed);
  if (parts.kind !== 'signed') throw new Error('not signed');
  // The last value of the message is the signature itself, with a tag, three bytes of length and 256 of content.
  const signature = parts.pkcs7.subarray(-256);
  const named = joinModule(module, message(signer(undefined, undefined, der(0x80, keyId), signature)));

  expect(judge(named, ec, rsa)).toMatchObject({ verdict: 'ok', keyId: keyId.toString('hex'), signer: '' });
  expect(judge(named, ec)).toMatchObject({ verdict: 'other-key', keyId: keyId.toString('hex') });
});

it('is never good when the signature itself is another, whatever somebody made up', () => {
  const parts = splitModule(signed);
  const pkcs7 = parts.kind === 'signed' ? Buffer.from(parts.pkcs7) : Buffer.alloc(0);
  const change = fc.tuple(fc.nat(pkcs7.length - 1), fc.integer({ min: 1, max: 255 }));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), fc.nat(pkcs7.length), (changes, cut) => {
      const forged = Buffer.from(pkcs7.subarray(0, cut));
      for (const [at, by] of changes) if (at < cut) forged[at] = (forged[at] ?? 0) ^ by;
      fc.pre(!forged.equals(pkcs7));
      const { verdict } = judge(joinModule(module, forged), rsa);
      // What is not covered by the signature may change: the algorithms' names and the versions.
      if (verdict === 'ok') expect(forged.subarray(-256).equals(pkcs7.subarray(-256))).toBe(true);
      else expect(['other-key', 'tampered', 'malformed']).toContain(verdict);
    }),
    { numRuns: 300 },
  );
});

function signer(
  hash = '2.16.840.1.101.3.4.2.1',
  attributes: Uint8Array = Buffer.alloc(0),
  id?: Buffer,
  signature?: Uint8Array,
) {
  const one = der(TAG.integer, Buffer.from([1]));
  const name = id ?? der(TAG.sequence);
  const algorithm = der(TAG.sequence, oid('1.2.840.113549.1.1.1'), der(TAG.null));
  const bytes = der(TAG.octetString, signature ?? Buffer.alloc(4));
  return der(TAG.sequence, one, name, der(TAG.sequence, oid(hash)), attributes, algorithm, bytes);
}

/** A message with these signers; a list stands for content that is not detached. */
function message(...parts: readonly (Buffer | readonly Buffer[])[]): Buffer {
  const content = parts.flatMap((part) => (Buffer.isBuffer(part) ? [] : [...part]));
  const signers = parts.filter((part) => Buffer.isBuffer(part));
  const data = der(TAG.sequence, oid('1.2.840.113549.1.7.1'), ...content);
  const one = der(TAG.integer, Buffer.from([1]));
  const body = der(TAG.sequence, one, der(TAG.set), data, der(TAG.set, ...signers));
  return der(TAG.sequence, oid('1.2.840.113549.1.7.2'), der(TAG.context0, body));
}
