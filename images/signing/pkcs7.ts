import type { X509Certificate } from 'node:crypto';
import { issuerAndSerial } from './certificate.ts';
import { type DerValue, der, oid, readDer, TAG } from './der.ts';
import { HASH_NAMES, HASHES, type HashName } from './hashes.ts';

const SIGNED_DATA = oid('1.2.840.113549.1.7.2');
const DATA = oid('1.2.840.113549.1.7.1');
const RSA = oid('1.2.840.113549.1.1.1');

/** Who signed: as sign-file names a certificate, or as `sign-file -k` does. */
export type SignerId =
  | { readonly by: 'issuer-and-serial'; readonly issuerAndSerial: Buffer }
  | { readonly by: 'key-id'; readonly keyId: Buffer };

/** The one signer of a message. */
export interface Signer {
  readonly id: SignerId;
  readonly hash: HashName;
  readonly signature: Uint8Array;
}

/**
 * PKCS#7 SignedData without content, certificates or attributes, as sign-file writes it: digest algorithms without
 * parameters, rsaEncryption with NULL, ECDSA named with its hash.
 */
export function writePkcs7(
  certificate: X509Certificate,
  hash: HashName,
  isEc: boolean,
  signature: Uint8Array,
): Buffer {
  const digest = der(TAG.sequence, oid(HASHES[hash].digest));
  const one = der(TAG.integer, Buffer.from([1]));
  const algorithm = isEc ? der(TAG.sequence, oid(HASHES[hash].ecdsa)) : der(TAG.sequence, RSA, der(TAG.null));
  const signer = der(
    TAG.sequence,
    one,
    issuerAndSerial(certificate),
    digest,
    algorithm,
    der(TAG.octetString, signature),
  );
  const body = der(TAG.sequence, one, der(TAG.set, digest), der(TAG.sequence, DATA), der(TAG.set, signer));
  return der(TAG.sequence, SIGNED_DATA, der(TAG.context0, body));
}

/**
 * The signer of a message, or what keeps a kernel from taking it.
 * The rules are those of crypto/asymmetric_keys/pkcs7_parser.c for modules: content is detached, nothing else is signed.
 */
export function readPkcs7(pkcs7: Uint8Array): Signer | { readonly problem: string } {
  try {
    const [type, message] = children(readDer(pkcs7)[0]);
    if (!type?.whole.equals(SIGNED_DATA)) return { problem: 'the signature is no PKCS#7 SignedData' };
    const body = children(children(message)[0]);
    const [dataType, ...content] = children(body[2]);
    if (!dataType?.whole.equals(DATA) || content.length > 0)
      return { problem: 'the signature is not detached' };
    const signers = children(body.at(-1));
    if (signers.length !== 1) return { problem: `the signature has ${signers.length} signers, not one` };
    return readSigner(children(signers[0]));
  } catch {
    return { problem: 'the signature is cut or no DER' };
  }
}

function readSigner([, id, digest, ...rest]: readonly DerValue[]): Signer | { readonly problem: string } {
  if (rest[0]?.tag === TAG.context0)
    return { problem: 'the signature covers attributes, which Linux refuses' };
  const algorithm = children(digest)[0]?.whole;
  const hash = HASH_NAMES.find((name) => algorithm?.equals(oid(HASHES[name].digest)));
  if (!hash) return { problem: 'the signature uses a hash that kernels do not know' };
  const signature = rest[1];
  if (!id || signature?.tag !== TAG.octetString) return { problem: 'the signature has no signer' };
  return { id: signerId(id), hash, signature: signature.content };
}

function signerId({ tag, whole, content }: DerValue): SignerId {
  return tag === TAG.sequence
    ? { by: 'issuer-and-serial', issuerAndSerial: whole }
    : { by: 'key-id', keyId: content };
}

const children = (value: DerValue | undefined) => readDer(value?.content ?? new Uint8Array());
