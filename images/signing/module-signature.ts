import { type KeyObject, sign, verify, type X509Certificate } from 'node:crypto';
import { AppError } from '@kmm-fleet/runtime';
import { der, oid, readDer, TAG } from './der.ts';

export type HashName = 'sha256' | 'sha384' | 'sha512';

const MAGIC = Buffer.from('~Module signature appended~\n');
/** struct module_signature of include/linux/module_signature.h. */
const TRAILER_BYTES = 12;
const PKCS7 = 2;

const OIDS = {
  signedData: '1.2.840.113549.1.7.2',
  data: '1.2.840.113549.1.7.1',
  rsa: '1.2.840.113549.1.1.1',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
  ecdsa: { sha256: '1.2.840.10045.4.3.2', sha384: '1.2.840.10045.4.3.3', sha512: '1.2.840.10045.4.3.4' },
} as const;

/** A key and its certificate, ready to sign. */
export interface SigningPair {
  readonly key: KeyObject;
  readonly certificate: X509Certificate;
}

/** Signs a module as the kernel's `sign-file` does; an existing signature is replaced. Same input, same bytes for RSA. */
export function signModule(
  file: Uint8Array,
  { key, certificate }: SigningPair,
  hash: HashName = 'sha256',
): Buffer {
  const content = stripSignature(file);
  const signature = sign(hash, content, key);
  const pkcs7 = signedData(certificate, hash, key.asymmetricKeyType === 'ec', signature);
  const trailer = Buffer.alloc(TRAILER_BYTES);
  trailer[2] = PKCS7;
  trailer.writeUInt32BE(pkcs7.byteLength, 8);
  return Buffer.concat([content, pkcs7, trailer, MAGIC]);
}

/** The module without its signature; a module without one is returned as it is. */
export function stripSignature(file: Uint8Array): Uint8Array {
  const parts = split(file);
  return parts ? stripSignature(parts.content) : file;
}

export type Verdict = 'signed' | 'unsigned' | 'unknown-key' | 'tampered';

/** What a kernel that trusts these certificates thinks of a module. */
export function verifyModule(file: Uint8Array, trusted: readonly X509Certificate[]): Verdict {
  const parts = split(file);
  if (!parts) return 'unsigned';
  const signer = readSigner(parts.pkcs7);
  if (!signer) return 'tampered';
  const certificate = trusted.find((candidate) => issuerAndSerial(candidate).equals(signer.issuerAndSerial));
  if (!certificate) return 'unknown-key';
  return verify(signer.hash, parts.content, certificate.publicKey, signer.signature) ? 'signed' : 'tampered';
}

/** Hash and serial number of who signed a module last, or undefined. */
export function readSignature(
  file: Uint8Array,
): { readonly hash: HashName; readonly serial: string } | undefined {
  const parts = split(file);
  const signer = parts && readSigner(parts.pkcs7);
  if (!signer) return undefined;
  const serial = readDer(readDer(signer.issuerAndSerial)[0]?.content ?? new Uint8Array())[1];
  return { hash: signer.hash, serial: serial?.content.toString('hex') ?? '' };
}

function split(file: Uint8Array): { content: Uint8Array; pkcs7: Uint8Array } | undefined {
  const buffer = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const magicAt = buffer.length - MAGIC.length;
  const trailerAt = magicAt - TRAILER_BYTES;
  if (trailerAt < 0 || !buffer.subarray(magicAt).equals(MAGIC)) return undefined;
  const size = buffer.readUInt32BE(trailerAt + 8);
  if (buffer[trailerAt + 2] !== PKCS7 || size > trailerAt) return undefined;
  return {
    content: buffer.subarray(0, trailerAt - size),
    pkcs7: buffer.subarray(trailerAt - size, trailerAt),
  };
}

/**
 * PKCS#7 SignedData without content, certificates or attributes, as sign-file writes it: digest algorithms without
 * parameters, rsaEncryption with NULL, ECDSA named with its hash.
 */
function signedData(certificate: X509Certificate, hash: HashName, isEc: boolean, signature: Buffer): Buffer {
  const digest = der(TAG.sequence, oid(OIDS[hash]));
  const one = der(TAG.integer, Buffer.from([1]));
  const algorithm = isEc
    ? der(TAG.sequence, oid(OIDS.ecdsa[hash]))
    : der(TAG.sequence, oid(OIDS.rsa), der(TAG.null));
  const signer = der(
    TAG.sequence,
    one,
    issuerAndSerial(certificate),
    digest,
    algorithm,
    der(TAG.octetString, signature),
  );
  const data = der(TAG.sequence, oid(OIDS.data));
  const body = der(TAG.sequence, one, der(TAG.set, digest), data, der(TAG.set, signer));
  return der(TAG.sequence, oid(OIDS.signedData), der(TAG.context0, body));
}

/** IssuerAndSerialNumber of a certificate, bytes as they stand in it. */
function issuerAndSerial(certificate: X509Certificate): Buffer {
  const tbs = readDer(
    readDer(readDer(certificate.raw)[0]?.content ?? new Uint8Array())[0]?.content ?? new Uint8Array(),
  );
  const fields = tbs[0]?.tag === TAG.context0 ? tbs.slice(1) : tbs;
  const [serial, , issuer] = fields;
  if (!serial || !issuer)
    throw new AppError('SIGN_FAILED', 'The certificate has no issuer or serial number.');
  return der(TAG.sequence, issuer.whole, serial.whole);
}

function readSigner(
  pkcs7: Uint8Array,
): { issuerAndSerial: Buffer; hash: HashName; signature: Buffer } | undefined {
  try {
    const outer = readDer(readDer(pkcs7)[0]?.content ?? new Uint8Array());
    const body = readDer(readDer(outer[1]?.content ?? new Uint8Array())[0]?.content ?? new Uint8Array());
    const info = readDer(readDer(body.at(-1)?.content ?? new Uint8Array())[0]?.content ?? new Uint8Array());
    const [, identity, digest, , signature] = info;
    const algorithm = readDer(digest?.content ?? new Uint8Array())[0]?.whole;
    const hash = (['sha256', 'sha384', 'sha512'] as const).find((name) => algorithm?.equals(oid(OIDS[name])));
    if (!identity || !signature || !hash) return undefined;
    return { issuerAndSerial: identity.whole, hash, signature: signature.content };
  } catch {
    return undefined;
  }
}
