import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { CertificateFiles } from '@kmm-fleet/lab';

/** An OpenID Connect provider on the loopback address: it says who somebody is, and for how long. */
export interface IdentityProvider {
  readonly url: string;
  /** @param seconds how long it is good; below zero it has ended */
  idToken(user: string, seconds: number): string;
  /** Paths that were asked for. */
  readonly asked: readonly string[];
  stop(): Promise<void>;
}

/** Of the one client that there is. */
export const CLIENT_ID = 'kmm';
export const GROUP = 'fleet-admins';
/** For each user, by whom tokens are given again. */
export const refreshTokenOf = (user: string) => `refresh-${user}`;
const RENEWED_SECONDS = 600;
const KEY_ID = 'one';

export async function startIdentityProvider(certificate: CertificateFiles): Promise<IdentityProvider> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const asked: string[] = [];
  let url = '';
  const idToken = (user: string, seconds: number) => {
    const now = Math.floor(Date.now() / 1_000);
    const claims = { iss: url, aud: CLIENT_ID, sub: user, groups: [GROUP], iat: now, exp: now + seconds };
    const parts = [{ alg: 'RS256', kid: KEY_ID, typ: 'JWT' }, claims];
    const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    return `${text}.${sign('RSA-SHA256', Buffer.from(text), privateKey).toString('base64url')}`;
  };
  const answers: Readonly<Record<string, (form: URLSearchParams) => object>> = {
    '/.well-known/openid-configuration': () => ({
      issuer: url,
      jwks_uri: `${url}/keys`,
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    }),
    '/keys': () => ({
      keys: [{ ...publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: KEY_ID }],
    }),
    '/token': (form) => {
      const refresh = form.get('refresh_token') ?? '';
      const user = refresh.replace(refreshTokenOf(''), '');
      return {
        ...{ id_token: idToken(user, RENEWED_SECONDS), access_token: 'of no use here', token_type: 'Bearer' },
        ...{ expires_in: RENEWED_SECONDS, refresh_token: refresh },
      };
    },
  };
  const tls = { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) };
  const tell = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname } = new URL(request.url ?? '/', url);
    asked.push(pathname);
    const body = Buffer.concat(await Array.fromAsync(request)).toString();
    const answer = answers[pathname]?.(new URLSearchParams(body));
    response
      .writeHead(answer ? 200 : 404, { 'content-type': 'application/json' })
      .end(JSON.stringify(answer ?? {}));
  };
  const server = createServer(tls, (request, response) => void tell(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    idToken,
    asked,
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
