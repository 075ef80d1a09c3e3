import { X509Certificate } from 'node:crypto';
import { AppError } from '@kmm-fleet/runtime';
import { plainText } from '../registry/plain-text.ts';
import { type DerValue, der, oid, readDer, TAG } from './der.ts';

/** Whether a certificate is near its end. */
export type Expiry =
  | { readonly state: 'ok' }
  /** Whole days that are left, 0 on the last one. */
  | { readonly state: 'soon'; readonly days: number }
  | { readonly state: 'expired' };

const DAY_MS = 86_400_000;
/** A key that is rotated is enrolled on every node first, which takes a fleet some weeks. */
const SOON_DAYS = 30;

/**
 * How long a signing certificate still lasts. Signing stops when it has expired; a kernel that trusts the key looks at
 * no date.
 *
 * @param soonDays from how many days before its end it counts as soon
 */
export function certificateExpiry(
  { validToDate }: X509Certificate,
  now: Date,
  soonDays: number = SOON_DAYS,
): Expiry {
  const leftMs = validToDate.getTime() - now.getTime();
  if (leftMs < 0) return { state: 'expired' };
  return leftMs > soonDays * DAY_MS ? { state: 'ok' } : { state: 'soon', days: Math.floor(leftMs / DAY_MS) };
}

const CERTIFICATES_MAX = 100;

/** The certificates of a file: one in DER, or some in PEM. Empty when there is none, or one cannot be read. */
export function readCertificates(bytes: Uint8Array): X509Certificate[] {
  const text = Buffer.from(bytes).toString('latin1');
  const blocks = [...text.matchAll(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]*-----END [^-]*-----/g)];
  const sources =
    blocks.length > 0 ? blocks.slice(0, CERTIFICATES_MAX).map(([block]) => Buffer.from(block)) : [bytes];
  try {
    return sources.map((source) => new X509Certificate(source));
  } catch {
    return [];
  }
}

/** IssuerAndSerialNumber of a certificate, bytes as they stand in it. */
export function issuerAndSerial(certificate: X509Certificate): Buffer {
  const [serial, , issuer] = fieldsOf(certificate);
  if (!serial || !issuer)
    throw new AppError('SIGN_FAILED', 'The certificate has no issuer or serial number.');
  return der(TAG.sequence, issuer.whole, serial.whole);
}

const KEY_IDENTIFIER = oid('2.5.29.14');
const COMMON_NAME = oid('2.5.4.3');

/** The subject key identifier of a certificate in hex, by which kernels list their keys; undefined without one. */
export function subjectKeyId(certificate: X509Certificate): string | undefined {
  const extensions = fieldsOf(certificate).find(({ tag }) => tag === TAG.context3);
  for (const { content } of children(children(extensions)[0])) {
    const [id, ...rest] = readDer(content);
    if (!id?.whole.equals(KEY_IDENTIFIER)) continue;
    return children(rest.at(-1))[0]?.content.toString('hex');
  }
  return undefined;
}

/** The common name in a DER name, or its last part; fit for a line of text. */
export function commonName(name: Uint8Array): string {
  const parts = readDer(name).flatMap(({ content }) => readDer(content));
  const pairs = parts.flatMap(({ content }) => readDer(content)).map(({ content }) => readDer(content));
  const [, value] = pairs.find(([id]) => id?.whole.equals(COMMON_NAME)) ?? pairs.at(-1) ?? [];
  return plainText(value?.content.toString('utf8') ?? '', 100);
}

/** Fields of the part that is signed: serial, algorithm, issuer, validity, subject, key, extensions. */
function fieldsOf(certificate: X509Certificate): DerValue[] {
  const fields = children(children(readDer(certificate.raw)[0])[0]);
  return fields[0]?.tag === TAG.context0 ? fields.slice(1) : fields;
}

const children = (value: DerValue | undefined) => readDer(value?.content ?? new Uint8Array());
