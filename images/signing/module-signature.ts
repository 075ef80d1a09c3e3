import type { KeyObject, X509Certificate } from 'node:crypto';
import { commonName } from './certificate.ts';
import { readDer } from './der.ts';
import type { HashName } from './hashes.ts';
import { readPkcs7, type SignerId, writePkcs7 } from './pkcs7.ts';
import { signBytes } from './sign-bytes.ts';
import { joinModule, splitModule, stripSignature } from './signature-block.ts';

/** A key and its certificate, ready to sign. */
export interface SigningPair {
  readonly key: KeyObject;
  readonly certificate: X509Certificate;
}

/**
 * Signs a module as the kernel's `sign-file` does; existing signatures are replaced, as only the last one counts for a
 * kernel. Same input, same bytes.
 */
export function signModule(
  file: Uint8Array,
  { key, certificate }: SigningPair,
  hash: HashName = 'sha256',
): Buffer {
  const content = stripSignature(file);
  const signature = signBytes(hash, content, key);
  return joinModule(content, writePkcs7(certificate, hash, key.asymmetricKeyType === 'ec', signature));
}

/** Who signed a module last, as `modinfo` shows it; nothing of it is verified. */
export interface SignatureInfo {
  readonly hash: HashName;
  /** Common name of the issuer; '' where the key is named by its identifier alone. */
  readonly signer: string;
  /** In hex: the serial number of the certificate, or the key identifier. `sig_key` of modinfo. */
  readonly keyId: string;
}

/** Who signed a module last, or undefined when nobody did in a way that a kernel understands. */
export function readSignature(file: Uint8Array): SignatureInfo | undefined {
  const parts = splitModule(file);
  const signer = parts.kind === 'signed' ? readPkcs7(parts.pkcs7) : undefined;
  return signer && 'hash' in signer ? { hash: signer.hash, ...describeSigner(signer.id) } : undefined;
}

/** Signer and key id in words. */
export function describeSigner(id: SignerId): { readonly signer: string; readonly keyId: string } {
  if (id.by === 'key-id') return { signer: '', keyId: id.keyId.toString('hex') };
  try {
    const [issuer, serial] = readDer(readDer(id.issuerAndSerial)[0]?.content ?? new Uint8Array());
    return {
      signer: commonName(issuer?.whole ?? new Uint8Array()),
      keyId: serial ? magnitude(serial.content).toString('hex') : '',
    };
  } catch {
    return { signer: '', keyId: '' };
  }
}

/** A zero that only keeps an integer from being negative is none of its digits: X.690, 8.3.2. */
const magnitude = (content: Buffer) =>
  content.length > 1 && content[0] === 0 ? content.subarray(1) : content;
