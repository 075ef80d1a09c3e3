import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

/** How one API server is reached. Certificates and keys are PEM texts. */
export interface KubeConnection {
  readonly server: string;
  readonly ca?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
  /** Asked for each request, so that a rotated token file is noticed. */
  readonly token?: () => string | undefined;
  readonly insecureSkipTlsVerify?: boolean;
  readonly tlsServerName?: string;
}

/** Entries of a kubeconfig; only those that the context names are looked at closely. */
const Named = z.array(z.looseObject({ name: z.string() })).default([]);

const Cluster = z.looseObject({
  server: z.string(),
  'certificate-authority': z.string().optional(),
  'certificate-authority-data': z.string().optional(),
  'insecure-skip-tls-verify': z.boolean().optional(),
  'tls-server-name': z.string().optional(),
});
const User = z.looseObject({
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  'client-certificate': z.string().optional(),
  'client-certificate-data': z.string().optional(),
  'client-key': z.string().optional(),
  'client-key-data': z.string().optional(),
  exec: z.unknown().optional(),
  'auth-provider': z.unknown().optional(),
});
const Context = z.looseObject({ cluster: z.string(), user: z.string().optional() });
const KubeConfig = z.looseObject({
  'current-context': z.string().optional(),
  clusters: Named,
  users: Named,
  contexts: Named,
});

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Kubelets rotate tokens about each hour; a minute's delay is what Kubernetes' own clients have. */
const TOKEN_FILE_MS = 60_000;

/**
 * Finds the API server: the file given, `$KUBECONFIG` (its first file that exists), the pod's service account, or
 * `~/.kube/config`. Credentials: token, token file, client certificate.
 *
 * @throws {Error} naming the file and the field when nothing usable is found; plugins (`exec`, `auth-provider`) are not run
 */
export function loadKubeConnection(
  env: Readonly<Record<string, string | undefined>>,
  options: { readonly kubeconfig?: string | undefined; readonly context?: string | undefined } = {},
): KubeConnection {
  const listed = (env['KUBECONFIG'] ?? '').split(':').filter(Boolean);
  const file = options.kubeconfig ?? listed.find((path) => existsSync(path)) ?? listed[0];
  if (file) return fromFile(file, options.context);
  if (env['KUBERNETES_SERVICE_HOST'] && existsSync(`${SERVICE_ACCOUNT}/token`))
    return fromServiceAccount(env);
  const home = join(homedir(), '.kube', 'config');
  if (existsSync(home)) return fromFile(home, options.context);
  throw new Error('No API server is known. Set KUBECONFIG, or run in a pod with a service account.');
}

function fromServiceAccount(env: Readonly<Record<string, string | undefined>>): KubeConnection {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${env['KUBERNETES_SERVICE_PORT'] ?? '443'}`;
  return {
    server,
    ca: readFileSync(`${SERVICE_ACCOUNT}/ca.crt`, 'utf8'),
    token: tokenFile(`${SERVICE_ACCOUNT}/token`),
  };
}

function fromFile(file: string, wanted: string | undefined): KubeConnection {
  if (!existsSync(file)) throw new Error(`Kubeconfig ${file} does not exist.`);
  const parsed = KubeConfig.safeParse(parse(readFileSync(file, 'utf8')));
  if (!parsed.success)
    throw new Error(`Kubeconfig ${file} cannot be read: ${parsed.error.issues[0]?.message ?? ''}`);
  const config = parsed.data;
  const contextName = wanted ?? config['current-context'] ?? '';
  const context = pick(config.contexts, 'context', contextName, Context, file);
  const cluster = pick(config.clusters, 'cluster', context.cluster, Cluster, file);
  const user = context.user ? pick(config.users, 'user', context.user, User, file) : {};
  return {
    ...clusterPart(cluster, dirname(file)),
    ...userPart(user, dirname(file), context.user ?? '', file),
  };
}

function clusterPart(cluster: z.infer<typeof Cluster>, folder: string): KubeConnection {
  const ca = pem(cluster['certificate-authority-data'], cluster['certificate-authority'], folder);
  return {
    server: cluster.server,
    ...(ca && { ca }),
    ...(cluster['insecure-skip-tls-verify'] && { insecureSkipTlsVerify: true }),
    ...(cluster['tls-server-name'] && { tlsServerName: cluster['tls-server-name'] }),
  };
}

function userPart(
  user: z.infer<typeof User>,
  folder: string,
  name: string,
  file: string,
): Partial<KubeConnection> {
  if (user.exec || user['auth-provider']) {
    throw new Error(
      `User ${name} in ${file} uses a credential plugin, which is not run. Use a token or a client certificate.`,
    );
  }
  const clientCert = pem(user['client-certificate-data'], user['client-certificate'], folder);
  const clientKey = pem(user['client-key-data'], user['client-key'], folder);
  const { token } = user;
  return {
    ...(clientCert && { clientCert }),
    ...(clientKey && { clientKey }),
    ...(token && { token: () => token }),
    ...(!token && user.tokenFile && { token: tokenFile(resolve(folder, user.tokenFile)) }),
  };
}

function pem(data: string | undefined, file: string | undefined, folder: string): string | undefined {
  if (data) return Buffer.from(data, 'base64').toString('utf8');
  return file ? readFileSync(resolve(folder, file), 'utf8') : undefined;
}

function pick<S extends z.ZodType>(
  list: readonly { readonly [key: string]: unknown }[],
  key: string,
  name: string,
  schema: S,
  file: string,
): z.output<S> {
  const entry = list.find((candidate) => candidate['name'] === name);
  const parsed = schema.safeParse(entry?.[key]);
  if (!parsed.success) throw new Error(`Kubeconfig ${file} has no usable ${key} "${name}".`);
  return parsed.data;
}

function tokenFile(path: string): () => string | undefined {
  let token = '';
  let readAtMs = Number.NEGATIVE_INFINITY;
  return () => {
    if (performance.now() - readAtMs > TOKEN_FILE_MS) {
      try {
        token = readFileSync(path, 'utf8').trim();
      } catch (error) {
        // The token at hand may still be good, and nothing better is known.
        if (!token) throw error;
      }
      readAtMs = performance.now();
    }
    return token;
  };
}
