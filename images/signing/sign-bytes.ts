import { createHash, type KeyObject, sign } from 'node:crypto';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import type { HashName } from './hashes.ts';

/** Curves that kernels know, by OpenSSL's names. */
const CURVES = { prime256v1: p256, secp384r1: p384, secp521r1: p521 } as const;

/**
 * A signature over some bytes: equal bytes give equal signatures. RSA's are so by nature. OpenSSL draws a random number
 * for each of ECDSA's; here that number follows from key and hash (RFC 6979), and any verifier takes it.
 *
 * @returns PKCS#1 v1.5 for RSA, DER for EC
 */
export function signBytes(hash: HashName, bytes: Uint8Array, key: KeyObject): Uint8Array {
  const curve = CURVES[(key.asymmetricKeyDetails?.namedCurve ?? '') as keyof typeof CURVES];
  if (!curve) return sign(hash, bytes, key);
  const { d = '' } = key.export({ format: 'jwk' });
  const digest = createHash(hash).update(bytes).digest();
  const options = { prehash: false, lowS: false, extraEntropy: false, format: 'der' } as const;
  return curve.sign(digest, Buffer.from(d, 'base64url'), options);
}
