import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CertificateFiles,
  freePort,
  lastLines,
  makeClientCertificate,
  makeServerCertificates,
  makeTokenKeys,
  stopChild,
} from '@kmm-fleet/lab';
import { createHttpTransport, type KubeConnection, type Transport } from '@kmm-fleet/runtime';
import type { Part, Programs } from './program.ts';

export interface User {
  readonly name: string;
  readonly groups?: readonly string[];
}

/** A real Kubernetes control plane on the loopback address. */
export interface Plane {
  readonly url: string;
  /** Logs in with a client certificate. */
  connection(user?: User): Promise<KubeConnection>;
  /** Path of a kubeconfig for a user. */
  kubeconfig(user?: User): Promise<string>;
  /** Ends a part without warning. */
  kill(part: Part): Promise<void>;
  /** Starts a part that was killed, on the data it had. */
  start(part: Part): Promise<void>;
  /** Ends everything and removes what it left. */
  stop(): Promise<void>;
}

export interface PlaneOptions {
  readonly name: string;
  /** Certificates and logs; the data of etcd is in memory where the machine has a file system for that. */
  readonly directory: string;
  readonly programs: Programs;
  /** Parts beside etcd and kube-apiserver. */
  readonly parts?: readonly Part[];
}

export const ADMIN: User = { name: 'admin', groups: ['system:masters'] };
const START_MS_MAX = 60_000;

interface Setting {
  readonly directory: string;
  readonly data: string;
  readonly etcd: string;
  readonly etcdPeer: string;
  readonly port: number;
  readonly managerPort: number;
  readonly schedulerPort: number;
  readonly server: CertificateFiles;
  readonly ca: CertificateFiles;
  readonly tokens: { readonly key: string; readonly pub: string };
}

/** Starts a control plane and waits until it is ready. */
export async function startPlane(options: PlaneOptions): Promise<Plane> {
  const directory = join(options.directory, options.name);
  mkdirSync(directory, { recursive: true });
  const setting = await makeSetting(directory);
  const url = `https://127.0.0.1:${setting.port}`;
  const children = new Map<Part, ChildProcess>();

  const connection = async (user = ADMIN): Promise<KubeConnection> => {
    const { cert, key } = await clientFiles(setting, user);
    const read = (path: string) => readFileSync(path, 'utf8');
    return { server: url, ca: read(setting.ca.cert), clientCert: read(cert), clientKey: read(key) };
  };
  const kubeconfig = async (user = ADMIN) => {
    const path = join(directory, `${fileName(user)}.kubeconfig`);
    writeFileSync(path, kubeconfigText(url, setting.ca.cert, await clientFiles(setting, user)), {
      mode: 0o600,
    });
    return path;
  };
  const start = async (part: Part) => {
    const [program, ...first] = options.programs(part) ?? [];
    if (!program) throw new Error(`There is no ${part} in KUBEBUILDER_ASSETS.`);
    const log = openSync(join(directory, `${part}.log`), 'a');
    const flags = await FLAGS[part](setting, kubeconfig);
    children.set(part, spawn(program, [...first, ...flags], { stdio: ['ignore', log, log] }));
    if (part === 'kube-apiserver') await untilReady(await connection(), directory, children.get(part));
  };

  for (const part of ['etcd', 'kube-apiserver', ...(options.parts ?? [])] as Part[]) await start(part);
  return {
    url,
    connection,
    kubeconfig,
    start,
    async kill(part) {
      const child = children.get(part);
      const ended = new Promise((resolve) => child?.once('exit', resolve));
      if (child?.kill('SIGKILL')) await ended;
    },
    async stop() {
      for (const part of [...children.keys()].reverse()) children.get(part)?.kill('SIGKILL');
      await Promise.all([...children.values()].map(stopChild));
      rmSync(setting.data, { recursive: true, force: true });
    },
  };
}

async function makeSetting(directory: string): Promise<Setting> {
  const memory = '/dev/shm';
  const [{ ca, caKey, server }, tokens, ...ports] = await Promise.all([
    makeServerCertificates(directory),
    makeTokenKeys(directory),
    ...Array.from({ length: 5 }, freePort),
  ]);
  const [client = 0, peer = 0, port = 0, managerPort = 0, schedulerPort = 0] = ports as number[];
  return {
    directory,
    data: mkdtempSync(join(existsSync(memory) ? memory : directory, 'kmm-etcd-')),
    etcd: `http://127.0.0.1:${client}`,
    etcdPeer: `http://127.0.0.1:${peer}`,
    port,
    managerPort,
    schedulerPort,
    server,
    ca: { cert: ca, key: caKey },
    tokens,
  };
}

type Kubeconfig = (user: User) => Promise<string>;

/** docs/decisions/0011 says where these come from. */
const FLAGS: Record<Part, (setting: Setting, kubeconfig: Kubeconfig) => Promise<string[]>> = {
  etcd: async ({ data, etcd, etcdPeer }) => [
    '--name=default',
    `--data-dir=${data}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
    '--quota-backend-bytes=8589934592',
    `--listen-client-urls=${etcd}`,
    `--advertise-client-urls=${etcd}`,
    `--listen-peer-urls=${etcdPeer}`,
    `--initial-advertise-peer-urls=${etcdPeer}`,
    `--initial-cluster=default=${etcdPeer}`,
  ],
  'kube-apiserver': async ({ directory, etcd, port, server, ca, tokens }) => [
    `--etcd-servers=${etcd}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    '--endpoint-reconciler-type=none',
    `--tls-cert-file=${server.cert}`,
    `--tls-private-key-file=${server.key}`,
    `--client-ca-file=${ca.cert}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${tokens.pub}`,
    `--service-account-signing-key-file=${tokens.key}`,
    '--authorization-mode=Node,RBAC',
    '--service-cluster-ip-range=10.0.0.0/16',
    '--allow-privileged=true',
    `--cert-dir=${directory}`,
    `--audit-policy-file=${auditPolicy(directory)}`,
    `--audit-log-path=${join(directory, 'audit.log')}`,
    // Pods need a service account, which only the controller manager makes; planes without one have no pods.
  ],
  'kube-controller-manager': async ({ directory, managerPort, ca, tokens }, kubeconfig) => {
    const config = await kubeconfig({ name: 'system:kube-controller-manager' });
    return [
      ...['--kubeconfig', '--authentication-kubeconfig', '--authorization-kubeconfig'].map(
        (flag) => `${flag}=${config}`,
      ),
      '--bind-address=127.0.0.1',
      `--secure-port=${managerPort}`,
      '--leader-elect=false',
      '--controllers=*',
      '--allocate-node-cidrs=false',
      `--service-account-private-key-file=${tokens.key}`,
      `--root-ca-file=${ca.cert}`,
      `--cluster-signing-cert-file=${ca.cert}`,
      `--cluster-signing-key-file=${ca.key}`,
      '--use-service-account-credentials=true',
      `--cert-dir=${directory}`,
      '--kube-api-qps=1000',
      '--kube-api-burst=2000',
    ];
  },
  'kube-scheduler': async ({ directory, schedulerPort }, kubeconfig) => {
    const config = await kubeconfig({ name: 'system:kube-scheduler' });
    return [
      ...['--kubeconfig', '--authentication-kubeconfig', '--authorization-kubeconfig'].map(
        (flag) => `${flag}=${config}`,
      ),
      '--bind-address=127.0.0.1',
      `--secure-port=${schedulerPort}`,
      '--leader-elect=false',
      `--cert-dir=${directory}`,
    ];
  },
};

function auditPolicy(directory: string): string {
  const path = join(directory, 'audit-policy.json');
  const rules = [{ level: 'Metadata', omitStages: ['RequestReceived', 'ResponseStarted'] }];
  writeFileSync(path, JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules }));
  return path;
}

function clientFiles({ directory, ca }: Setting, user: User): Promise<CertificateFiles> {
  const name = fileName(user);
  const known = { cert: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) };
  return existsSync(known.cert) ? Promise.resolve(known) : makeClientCertificate(directory, ca, user);
}

const fileName = ({ name }: User) => name.replaceAll(/[^\w.-]+/g, '_');

function kubeconfigText(server: string, ca: string, { cert, key }: CertificateFiles): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'plane',
    clusters: [{ name: 'plane', cluster: { server, 'certificate-authority': ca } }],
    users: [{ name: 'user', user: { 'client-certificate': cert, 'client-key': key } }],
    contexts: [{ name: 'plane', context: { cluster: 'plane', user: 'user' } }],
  });
}

async function untilReady(
  connection: KubeConnection,
  directory: string,
  child: ChildProcess | undefined,
): Promise<void> {
  const transport = createHttpTransport(connection);
  try {
    for (const end = Date.now() + START_MS_MAX; Date.now() < end && child?.exitCode === null; ) {
      if (await isReady(transport)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    await transport.close();
  }
  const log = readFileSync(join(directory, 'kube-apiserver.log'), 'utf8');
  throw new Error(`kube-apiserver was not ready in ${START_MS_MAX / 1_000} s:\n${lastLines(log, 15)}`);
}

async function isReady(transport: Transport): Promise<boolean> {
  try {
    const { status, body } = await transport.request({ method: 'GET', path: '/readyz', headers: {} });
    for await (const _ of body);
    return status === 200;
  } catch {
    return false;
  }
}
