import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { bad, type Checked, type Finding, found, good, type Reason } from '@kmm-fleet/api';
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
  if (typeof privateKey === 'string') return bad(keyFinding(privateKey, key.secret));
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

/** Why there is no key: what it is instead. */
type KeyProblem = 'unreadable' | 'encrypted' | 'other-type';

function keyFinding(problem: KeyProblem, secret: string): Finding {
  const finding = (reason: Reason, message: string, next: string) =>
    found(reason, 'data.key', message.replace('%s', `Secret ${secret}`), next);
  switch (problem) {
    case 'encrypted':
      return finding(
        'SigningKeyEncrypted',
        'The private key in %s is encrypted, and nobody is there to type its passphrase.',
        'Decrypt it with "openssl pkey -in key.pem -out plain.pem" and store that.',
      );
    case 'other-type':
      return finding(
        'SigningKeyInvalid',
        'The private key in %s is neither RSA nor EC, and kernels know no other.',
        'Store an RSA or EC key.',
      );
    case 'unreadable':
      return finding(
        'SigningKeyInvalid',
        '%s holds no private key under "key" that can be read.',
        'Store an unencrypted PEM or DER key, RSA or EC.',
      );
  }
}

function readKey(bytes: Uint8Array): KeyObject | KeyProblem {
  const buffer = Buffer.from(bytes);
  const forms: (() => KeyObject)[] = [
    () => createPrivateKey(buffer),
    ...(['pkcs8', 'pkcs1', 'sec1'] as const).map(
      (type) => () => createPrivateKey({ key: buffer, format: 'der', type }),
    ),
  ];
  let problem: KeyProblem = 'unreadable';
  for (const read of forms) {
    try {
      const key = read();
      return ['rsa', 'ec'].includes(key.asymmetricKeyType ?? '') ? key : 'other-type';
    } catch (error) {
      if (wantsPassphrase(error)) problem = 'encrypted';
    }
  }
  return problem;
}

/** OpenSSL asks for a passphrase, and gives up as nobody answers. */
function wantsPassphrase(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  return code === 'ERR_MISSING_PASSPHRASE' || code === 'ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED';
}

function readCertificate(bytes: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(bytes);
  } catch {
    return undefined;
  }
}
