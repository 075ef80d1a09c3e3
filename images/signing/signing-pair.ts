import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { bad, type Checked, type Finding, found, good } from '@kmm-fleet/api';
import type { SigningPair } from './module-signature.ts';

/**
 * Reads the private key and the certificate of the signing Secrets: PEM or DER, RSA or EC, matching each other.
 * Findings name the Secret and what is wrong; no byte of the key is in them.
 */
export function readSigningPair(
  key: { readonly secret: string; readonly bytes: Uint8Array },
  cert: { readonly secret: string; readonly bytes: Uint8Array },
): Checked<SigningPair> {
  const privateKey = readKey(key.bytes);
  if (!privateKey) {
    const message = `Secret ${key.secret} holds no private key under "key" that can be read.`;
    return bad(
      found('SigningKeyInvalid', 'data.key', message, 'Store an unencrypted PEM or DER key, RSA or EC.'),
    );
  }
  const certificate = readCertificate(cert.bytes);
  if (!certificate) {
    const message = `Secret ${cert.secret} holds no certificate under "cert" that can be read.`;
    return bad(
      found('CertificateInvalid', 'data.cert', message, 'Store an X.509 certificate in DER or PEM.'),
    );
  }
  if (!certificate.checkPrivateKey(privateKey)) {
    const message = `The key in Secret ${key.secret} does not belong to the certificate in Secret ${cert.secret}.`;
    return bad(found('SigningPairMismatch', 'data.key', message, 'Store the two halves of one pair.'));
  }
  return good({ key: privateKey, certificate });
}

/** Why nothing is to be signed with a certificate now, or nothing when it is in its time. */
export function validityFinding(
  { certificate }: SigningPair,
  secret: string,
  now: Date,
): Finding | undefined {
  const { validFrom, validFromDate, validTo, validToDate } = certificate;
  if (validFromDate <= now && now <= validToDate) return undefined;
  const word = validToDate < now ? `expired on ${validTo}` : `is not valid before ${validFrom}`;
  const message = `The certificate in Secret ${secret} ${word}.`;
  return found('CertificateExpired', 'data.cert', message, 'Store a certificate that is valid now.');
}

function readKey(bytes: Uint8Array): KeyObject | undefined {
  const buffer = Buffer.from(bytes);
  const forms: (() => KeyObject)[] = [
    () => createPrivateKey(buffer),
    ...(['pkcs8', 'pkcs1', 'sec1'] as const).map(
      (type) => () => createPrivateKey({ key: buffer, format: 'der', type }),
    ),
  ];
  const key = firstThatWorks(forms);
  return key?.asymmetricKeyType === 'rsa' || key?.asymmetricKeyType === 'ec' ? key : undefined;
}

function readCertificate(bytes: Uint8Array): X509Certificate | undefined {
  return firstThatWorks([() => new X509Certificate(bytes)]);
}

function firstThatWorks<T>(attempts: readonly (() => T)[]): T | undefined {
  for (const attempt of attempts) {
    try {
      return attempt();
    } catch {
      // The next form is tried; the caller says what was expected.
    }
  }
  return undefined;
}
