/**
 * The `id-token` of an `oidc` auth-provider, for as long as it is good. It is not renewed: that writes into the kubeconfig,
 * which kubectl and its plugins do.
 *
 * @throws {Error} from the function returned, when the token has expired or there is none
 */
export function idToken(
  config: Readonly<Record<string, string>>,
  { file, user }: { readonly file: string; readonly user: string },
  now: () => number = Date.now,
): () => string {
  const token = config['id-token'] ?? '';
  const expiresMs = expiryOf(token);
  return () => {
    if (token && now() < expiresMs) return token;
    const why = token ? `expired at ${new Date(expiresMs).toISOString()}` : 'is missing';
    throw new Error(
      `The id-token of user ${user} in ${file} ${why}. Run any kubectl command to renew it, or use an exec plugin.`,
    );
  };
}

/** Of a JSON Web Token; one that says nothing about its end is left to the server. */
function expiryOf(token: string): number {
  try {
    const [, claims = ''] = token.split('.');
    const { exp } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1_000 : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
