import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { type KubeUser, pem, User, userPart } from './kube-user.ts';
import { tokenFile } from './token-file.ts';

/** How one API server is reached. Certificates and keys are PEM texts. */
export interface KubeConnection extends KubeUser {
  readonly server: string;
  readonly ca?: string;
  readonly insecureSkipTlsVerify?: boolean;
  readonly tlsServerName?: string;
  /** `http://` or `https://`. That of the environment is not used: in a pod it rarely leads to the API server. */
  readonly proxyUrl?: string;
}

/** Entries of a kubeconfig; only those that the context names are looked at closely. */
const Named = z
  .array(z.looseObject({ name: z.string() }))
  .nullish()
  .transform((list) => list ?? []);

const Cluster = z.looseObject({
  server: z.string(),
  'certificate-authority': z.string().optional(),
  'certificate-authority-data': z.string().optional(),
  'insecure-skip-tls-verify': z.boolean().optional(),
  'tls-server-name': z.string().optional(),
  'proxy-url': z.string().optional(),
});
const Context = z.looseObject({ cluster: z.string(), user: z.string().optional() });
const KubeConfig = z.looseObject({
  'current-context': z.string().optional(),
  clusters: Named,
  users: Named,
  contexts: Named,
});

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/**
 * Finds the API server: the file given, the files of `$KUBECONFIG` put together as kubectl does, the pod's service
 * account, or `~/.kube/config`.
 *
 * @throws {Error} naming the file and the field when nothing usable is found
 */
export async function loadKubeConnection(
  env: Readonly<Record<string, string | undefined>>,
  options: {
    readonly kubeconfig?: string | undefined;
    readonly context?: string | undefined;
    /** Where a pod finds its service account, and a user the folder `.kube`. */
    readonly account?: string;
    readonly home?: string;
  } = {},
): Promise<KubeConnection> {
  const { account = SERVICE_ACCOUNT, home = homedir() } = options;
  const listed = (env['KUBECONFIG'] ?? '').split(':').filter(Boolean);
  const there = listed.filter((path) => existsSync(path));
  const files = options.kubeconfig ? [options.kubeconfig] : there.length > 0 ? there : listed.slice(0, 1);
  if (files.length > 0) return fromFiles(files, options.context, env);
  if (env['KUBERNETES_SERVICE_HOST'] && existsSync(`${account}/token`))
    return fromServiceAccount(env, account);
  const ofUser = join(home, '.kube', 'config');
  if (existsSync(ofUser)) return fromFiles([ofUser], options.context, env);
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
    credentials: tokenFile(`${account}/token`),
  };
}

type Env = Readonly<Record<string, string | undefined>>;
/** An entry with the file that it stands in: paths in it are relative to that. */
type Entry = { readonly name: string; readonly file: string; readonly [key: string]: unknown };

/** Of several entries with one name the first counts, as with kubectl. */
async function fromFiles(
  files: readonly string[],
  wanted: string | undefined,
  env: Env,
): Promise<KubeConnection> {
  const missing = files.find((file) => !existsSync(file));
  if (missing) throw new Error(`Kubeconfig ${missing} does not exist.`);
  const all = await Promise.all(files.map(async (file) => ({ file, ...(await parseFile(file)) })));
  const where = files.join(':');
  const entries = (list: 'clusters' | 'users' | 'contexts'): Entry[] =>
    all.flatMap(({ file, [list]: found }) => found.map((entry) => ({ ...entry, file })));
  const contexts = entries('contexts');
  const contextName = wanted ?? all.map((config) => config['current-context']).find(Boolean);
  if (!contextName) {
    const known = contexts.map(({ name }) => name).join(', ');
    throw new Error(`Kubeconfig ${where} has no current-context. Set it, or name one of: ${known}.`);
  }
  const context = pick(contexts, 'context', contextName, Context, where).value;
  const cluster = pick(entries('clusters'), 'cluster', context.cluster, Cluster, where);
  const connection = clusterPart(cluster.value, cluster.file);
  if (!context.user) return connection;
  const user = pick(entries('users'), 'user', context.user, User, where);
  const execCluster = () => ({
    ...(connection.ca && { 'certificate-authority-data': Buffer.from(connection.ca).toString('base64') }),
    ...cluster.value,
  });
  return {
    ...connection,
    ...userPart(user.value, { name: context.user, file: user.file, execCluster, env }),
  };
}

async function parseFile(file: string): Promise<z.output<typeof KubeConfig>> {
  const parsed = KubeConfig.safeParse(await valueOf(readFileSync(file, 'utf8'), file));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`Kubeconfig ${file} cannot be read: ${issue?.path.join('.')} ${issue?.message}`);
}

/** An operator in a pod reads no YAML, nor does one whose file is JSON: the parser would stay in its memory. */
async function valueOf(text: string, file: string): Promise<unknown> {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // A CommonJS module: in a bundle that is loaded later it has no names of its own.
    const { default: parser } = await import('yaml');
    const yaml = parser.parseDocument(text);
    // The parser's later lines quote the file, and so perhaps a token.
    const broken = yaml.errors[0]?.message.split('\n')[0];
    if (broken) throw new Error(`Kubeconfig ${file} cannot be read: ${broken}`);
    return yaml.toJS();
  }
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
    ...(cluster['proxy-url'] && { proxyUrl: proxy(cluster['proxy-url'], file) }),
  };
}

function proxy(url: string, file: string): string {
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return url;
  throw new Error(`Kubeconfig ${file}: proxy-url "${url}" is none of http:// or https://.`);
}

function pick<S extends z.ZodType>(
  list: readonly Entry[],
  key: string,
  name: string,
  schema: S,
  where: string,
): { readonly value: z.output<S>; readonly file: string } {
  const entry = list.find((candidate) => candidate.name === name);
  const parsed = schema.safeParse(entry?.[key]);
  if (entry && parsed.success) return { value: parsed.data, file: entry.file };
  const [issue] = parsed.error?.issues ?? [];
  const field = entry && issue && issue.path.length > 0 ? ` (${issue.path.join('.')}: ${issue.message})` : '';
  const known = list.map((candidate) => candidate.name).join(', ');
  throw new Error(`Kubeconfig ${where} has no usable ${key} "${name}"${field}. It has: ${known || 'none'}.`);
}

/** Whether this process runs in a pod of some cluster. */
export const isInPod = (env: Readonly<Record<string, string | undefined>>): boolean =>
  Boolean(env['KUBERNETES_SERVICE_HOST']);
