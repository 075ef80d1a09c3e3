import type { AuditedRequest } from '@kmm-fleet/policies';

/** The token of a service account by which a request was made, as the audit log names it. */
export const credentialIn = ({ user }: AuditedRequest): string | undefined =>
  user.extra?.['authentication.kubernetes.io/credential-id']?.[0];

/** The same of a token. */
export function credentialOf(token: string): string {
  const [, claims = ''] = token.split('.');
  const { jti } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { jti: string };
  return `JTI=${jti}`;
}
