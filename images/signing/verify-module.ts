import { verify, type X509Certificate } from 'node:crypto';
import { certificateExpiry, issuerAndSerial, subjectKeyId } from './certificate.ts';
import { describeSigner, type SignatureInfo } from './module-signature.ts';
import { readPkcs7, type Signer } from './pkcs7.ts';
import { splitModule } from './signature-block.ts';

/** What a signature is worth where some certificates are trusted. */
export type SignatureVerdict =
  | 'ok'
  | 'unsigned'
  | 'other-key'
  | 'tampered'
  | 'expired'
  | 'not-yet-valid'
  | 'malformed';

/** A verdict with its reason in one sentence; who signed, where that can be read. */
export interface Judgement extends Partial<SignatureInfo> {
  readonly verdict: SignatureVerdict;
  readonly reason: string;
}

/**
 * Judges the last signature of a module, the one that counts for a kernel. What is signed is everything before it.
 *
 * @param file the module, not packed
 * @param now a certificate that is not valid then makes a good signature `expired` or `not-yet-valid`
 */
export function judgeModule(file: Uint8Array, trusted: readonly X509Certificate[], now: Date): Judgement {
  const parts = splitModule(file);
  if (parts.kind === 'unsigned') return { verdict: 'unsigned', reason: 'It has no signature.' };
  const signer = parts.kind === 'malformed' ? parts : readPkcs7(parts.pkcs7);
  if (parts.kind === 'malformed' || 'problem' in signer)
    return { verdict: 'malformed', reason: sentence('problem' in signer ? signer.problem : '') };
  const info = { hash: signer.hash, ...describeSigner(signer.id) };
  const candidates = trusted.filter((certificate) => isSigner(certificate, signer));
  if (candidates.length === 0) {
    const name = info.signer ? ` ("${info.signer}")` : '';
    return { ...info, verdict: 'other-key', reason: `It is signed by another key, ${info.keyId}${name}.` };
  }
  // Two keys may have been given one name: any of them will do.
  const certificate = candidates.find((candidate) => isSignatureOf(parts.content, signer, candidate));
  if (!certificate) {
    const reason = 'The signature does not fit: the module was changed after signing, or the key is another.';
    return { ...info, verdict: 'tampered', reason };
  }
  return { ...info, ...judgeDates(certificate, now) };
}

export type Verdict = 'signed' | 'unsigned' | 'unknown-key' | 'tampered';

const KERNEL_VERDICTS: Readonly<Record<SignatureVerdict, Verdict>> = {
  ok: 'signed',
  expired: 'signed',
  'not-yet-valid': 'signed',
  unsigned: 'unsigned',
  'other-key': 'unknown-key',
  tampered: 'tampered',
  malformed: 'tampered',
};

/** What a kernel that trusts these certificates thinks of a module: it looks at no date. */
export function verifyModule(file: Uint8Array, trusted: readonly X509Certificate[]): Verdict {
  return kernelVerdict(judgeModule(file, trusted, new Date(0)).verdict);
}

/** What a kernel thinks where we look at dates too. */
export const kernelVerdict = (verdict: SignatureVerdict): Verdict => KERNEL_VERDICTS[verdict];

function isSigner(certificate: X509Certificate, { id }: Signer): boolean {
  return id.by === 'issuer-and-serial'
    ? issuerAndSerial(certificate).equals(id.issuerAndSerial)
    : subjectKeyId(certificate) === id.keyId.toString('hex');
}

function isSignatureOf(content: Uint8Array, { hash, signature }: Signer, { publicKey }: X509Certificate) {
  try {
    return verify(hash, content, publicKey, signature);
  } catch {
    return false;
  }
}

function judgeDates(certificate: X509Certificate, now: Date): Pick<Judgement, 'verdict' | 'reason'> {
  const lasts = 'Linux looks at no date, so nodes that trust the key still load it.';
  if (certificateExpiry(certificate, now).state === 'expired')
    return { verdict: 'expired', reason: `The certificate expired on ${certificate.validTo}. ${lasts}` };
  if (now < certificate.validFromDate)
    return {
      verdict: 'not-yet-valid',
      reason: `The certificate is not valid before ${certificate.validFrom}. ${lasts}`,
    };
  return { verdict: 'ok', reason: 'The signature is good.' };
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
