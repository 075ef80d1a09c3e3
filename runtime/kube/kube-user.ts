import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { type CredentialSource, ExecSpec, execCredential } from './exec-credential.ts';
import { idToken } from './id-token.ts';
import { tokenFile } from './token-file.ts';

/** Who speaks to an API server. Certificates and keys are PEM texts. */
export interface KubeUser {
  readonly clientCert?: string;
  readonly clientKey?: string;
  /** Asked for each request: it may have expired. */
  readonly token?: () => string | undefined;
  /** Of a plugin, or of a file in which tokens are rotated. */
  readonly credentials?: CredentialSource;
  /** Sent with each request: whom to act as, or a password. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

/** `users[].user` of a kubeconfig. */
export const User = z.looseObject({
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  'client-certificate': z.string().optional(),
  'client-certificate-data': z.string().optional(),
  'client-key': z.string().optional(),
  'client-key-data': z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  as: z.string().optional(),
  'as-uid': z.string().optional(),
  'as-groups': z.array(z.string()).optional(),
  'as-user-extra': z.record(z.string(), z.array(z.string())).optional(),
  exec: z.unknown().optional(),
  'auth-provider': z
    .looseObject({ name: z.string(), config: z.record(z.string(), z.string()).nullish() })
    .optional(),
});

export interface Around {
  readonly name: string;
  readonly file: string;
  /** What a plugin may be told of the cluster. */
  readonly execCluster: () => object;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** @throws {Error} naming the file and the field */
export function userPart(user: z.infer<typeof User>, around: Around): KubeUser {
  const { name, file } = around;
  const clientCert = pem(user, 'client-certificate', file);
  const clientKey = pem(user, 'client-key', file);
  if (!clientCert !== !clientKey)
    throw new Error(`Kubeconfig ${file}: user "${name}" needs both client-certificate and client-key.`);
  const headers = { ...actingAs(user), ...basicLogin(user) };
  return {
    ...(clientCert && { clientCert }),
    ...(clientKey && { clientKey }),
    ...tokenPart(user, around),
    ...(Object.keys(headers).length > 0 && { headers }),
  };
}

/** The first that is there: token, its file, a plugin, the token of an identity provider. */
function tokenPart(user: z.infer<typeof User>, { name, file, execCluster, env }: Around): KubeUser {
  const { token, exec, 'auth-provider': provider } = user;
  if (token) return { token: () => token };
  if (user.tokenFile) return { credentials: tokenFile(resolve(dirname(file), user.tokenFile)) };
  if (exec) {
    const spec = ExecSpec.safeParse(exec);
    const [issue] = spec.error?.issues ?? [];
    if (!spec.success)
      throw new Error(`Kubeconfig ${file}: user "${name}", exec.${issue?.path.join('.')}: ${issue?.message}`);
    const cluster = execCluster();
    return { credentials: execCredential(spec.data, { file, user: name, cluster }, env) };
  }
  if (!provider) return {};
  if (provider.name === 'oidc') return { token: idToken(provider.config ?? {}, { file, user: name }) };
  throw new Error(
    `User ${name} in ${file} has the auth-provider ${provider.name}, which Kubernetes no longer has either. Use exec, a token or a client certificate.`,
  );
}

function actingAs(user: z.infer<typeof User>): Record<string, string | readonly string[]> {
  const { as, 'as-uid': uid, 'as-groups': groups = [], 'as-user-extra': extra = {} } = user;
  if (!as) return {};
  const more = Object.entries(extra).map(([key, values]) => [
    `Impersonate-Extra-${encodeURIComponent(key)}`,
    values,
  ]);
  return {
    'Impersonate-User': as,
    ...(uid && { 'Impersonate-Uid': uid }),
    ...(groups.length > 0 && { 'Impersonate-Group': groups }),
    ...(Object.fromEntries(more) as Record<string, readonly string[]>),
  };
}

function basicLogin({ username, password = '' }: z.infer<typeof User>): Record<string, string> {
  if (!username) return {};
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

/** A PEM text that stands inline in base64, or in a file beside the kubeconfig. */
export function pem(
  from: Readonly<Record<string, unknown>>,
  field: string,
  file: string,
): string | undefined {
  const data = from[`${field}-data`];
  if (typeof data === 'string' && data) return Buffer.from(data, 'base64').toString('utf8');
  const path = from[field];
  if (typeof path !== 'string' || !path) return undefined;
  try {
    return readFileSync(resolve(dirname(file), path), 'utf8');
  } catch (error) {
    throw new Error(`Kubeconfig ${file}: ${field} cannot be read: ${String(error)}`, { cause: error });
  }
}
