import type { X509Certificate } from 'node:crypto';
import { type Condition, setConditions } from '@kmm-fleet/api';
import { certificateExpiry } from '../signing/certificate.ts';

/**
 * The condition of an image whose certificate ends soon: weeks before, as a key is enrolled on nodes before it is used.
 * There is none while all is well. It names a date, not a number of days, and so changes once.
 *
 * @param secret `namespace/name` of the certificate's Secret
 */
export function certificateConditions(
  certificate: X509Certificate | undefined,
  secret: string,
  previous: readonly Condition[] | undefined,
  nowMs: number,
): Condition[] | undefined {
  const now = new Date(nowMs);
  const state = certificate ? certificateExpiry(certificate, now).state : 'ok';
  if (!certificate || state === 'ok') return undefined;
  const [reason, verb] =
    state === 'soon'
      ? (['CertificateExpiresSoon', 'expires'] as const)
      : (['CertificateExpired', 'has expired'] as const);
  const message =
    `The certificate in Secret ${secret} ${verb} on ${certificate.validTo}. What is signed stays good, as kernels look at ` +
    'no date; nothing is signed after that. Enrol a new key on the nodes, then store it with its certificate.';
  const next = { type: 'CertificateExpires', status: 'True', reason, message } as const;
  return [...setConditions(previous, [next], now.toISOString())];
}
