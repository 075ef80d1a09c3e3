import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseDocument } from 'yaml';
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
  options: {
    readonly kubeconfig?: string | undefined;
    readonly context?: string | undefined;
    /** Where a pod finds its service account, and a user the folder `.kube`. */
    readonly account?: string;
    readonly home?: string;
  } = {},
): KubeConnection {
  const { account = SERVICE_ACCOUNT, home = homedir() } = options;
  const listed = (env['KUBECONFIG'] ?? '').split(':').filter(Boolean);
  const file = options.kubeconfig ?? listed.find((path) => existsSync(path)) ?? listed[0];
  if (file) return fromFile(file, options.context);
  if (env['KUBERNETES_SERVICE_HOST'] && existsSync(`${account}/token`))
    return fromServiceAccount(env, account);
  const ofUser = join(home, '.kube', 'config');
  if (existsSync(ofUser)) return fromFile(ofUser, options.context);
  throw new Error('No API server is known. Set KUBECONFIG, or run in a pod with a service account.');
}

function fromServiceAccount(
  env: Readonly<Record<string, string | undefined>>,
  account: string,
): KubeConnection {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${env['KUBERNETES_SERVICE_PORT'] ?? '443'}`;
  return {
    server,
    ca: readFileSync(`${account}/ca.crt`, 'utf8'),
    token: tokenFile(`${account}/token`),
  };
}

function fromFile(file: string, wanted: string | undefined): KubeConnection {
  if (!existsSync(file)) throw new Error(`Kubeconfig ${file} does not exist.`);
  const config = parseFile(file);
  const contextName = wanted ?? (config['current-context'] || undefined);
  if (!contextName) {
    const known = config.contexts.map(({ name }) => name).join(', ');
    throw new Error(`Kubeconfig ${file} has no current-context. Set it, or name one of: ${known}.`);
  }
  const context = pick(config.contexts, 'context', contextName, Context, file);
  const cluster = pick(config.clusters, 'cluster', context.cluster, Cluster, file);
  const user = context.user ? pick(config.users, 'user', context.user, User, file) : {};
  return {
    ...clusterPart(cluster, file),
    ...userPart(user, context.user ?? '', file),
  };
}

function parseFile(file: string): z.output<typeof KubeConfig> {
  const yaml = parseDocument(readFileSync(file, 'utf8'));
  // The parser's later lines quote the file, and so perhaps a token.
  const broken = yaml.errors[0]?.message.split('\n')[0];
  if (broken) throw new Error(`Kubeconfig ${file} cannot be read: ${broken}`);
  const parsed = KubeConfig.safeParse(yaml.toJS());
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`Kubeconfig ${file} cannot be read: ${issue?.path.join('.')} ${issue?.message}`);
}

function clusterPart(cluster: z.infer<typeof Cluster>, file: string): KubeConnection {
  const { server } = cluster;
  if (!/^https?:\/\//.test(server) || !URL.canParse(server))
    throw new Error(`Kubeconfig ${file}: server "${server}" is no address like https://host:6443.`);
  const ca = pem(cluster, 'certificate-authority', file);
  return {
    server,
    ...(ca && { ca }),
    ...(cluster['insecure-skip-tls-verify'] && { insecureSkipTlsVerify: true }),
    ...(cluster['tls-server-name'] && { tlsServerName: cluster['tls-server-name'] }),
  };
}

function userPart(user: z.infer<typeof User>, name: string, file: string): Partial<KubeConnection> {
  if (user.exec || user['auth-provider']) {
    throw new Error(
      `User ${name} in ${file} uses a credential plugin, which is not run. Use a token or a client certificate.`,
    );
  }
  const clientCert = pem(user, 'client-certificate', file);
  const clientKey = pem(user, 'client-key', file);
  if (!clientCert !== !clientKey)
    throw new Error(`Kubeconfig ${file}: user "${name}" needs both client-certificate and client-key.`);
  const { token } = user;
  return {
    ...(clientCert && { clientCert }),
    ...(clientKey && { clientKey }),
    ...(token && { token: () => token }),
    ...(!token && user.tokenFile && { token: tokenFile(resolve(dirname(file), user.tokenFile)) }),
  };
}

/** A PEM text that stands inline in base64, or in a file beside the kubeconfig. */
function pem(from: Readonly<Record<string, unknown>>, field: string, file: string): string | undefined {
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

function pick<S extends z.ZodType>(
  list: readonly { readonly [key: string]: unknown }[],
  key: string,
  name: string,
  schema: S,
  file: string,
): z.output<S> {
  const entry = list.find((candidate) => candidate['name'] === name);
  const parsed = schema.safeParse(entry?.[key]);
  if (!parsed.success) {
    const known = list.map((candidate) => String(candidate['name'])).join(', ');
    throw new Error(`Kubeconfig ${file} has no usable ${key} "${name}". It has: ${known || 'none'}.`);
  }
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
