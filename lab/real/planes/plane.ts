import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHttpTransport, type KubeConnection, type Transport } from '@kmm-fleet/runtime';
import { makeTokenKeys, type ServerCertificates } from '../certificates.ts';
import { lastLines } from '../command.ts';
import { spawnMortal } from '../mortal-child.ts';
import { freePort, stopChild } from '../registry.ts';
import { flagsOf, type Setting } from './flags.ts';
import type { Part, Programs } from './program.ts';

/** Somebody who may log in. What they may do is up to RBAC; the group `system:masters` may do everything. */
export interface User {
  readonly name: string;
  readonly groups?: readonly string[];
}

/** A real Kubernetes control plane on the loopback address. */
export interface Plane {
  readonly name: string;
  readonly url: string;
  /** Of one of the plane's users; the administrator's by default. */
  token(user?: string): string;
  connection(user?: string): KubeConnection;
  /** Writes a kubeconfig for one of the users and returns its path. */
  kubeconfig(user?: string): string;
  /** One line of JSON per request, as kube-apiserver audits it; see {@link readAuditLog}. */
  readonly auditLog: string;
  /** Ends a part without warning. */
  kill(part: Part): Promise<void>;
  /** Starts a part that was killed, on the data it had. */
  start(part: Part): Promise<void>;
  /** etcd forgets all but the last version of each object: watches that resume from before are told 410. */
  compact(): Promise<void>;
  /** Ends everything and removes what it left in memory. */
  stop(): Promise<void>;
}

export interface PlaneOptions {
  readonly name: string;
  /** For files and logs; the data of etcd is in memory where the machine has a file system for that. */
  readonly directory: string;
  readonly programs: Programs;
  readonly certificates: ServerCertificates;
  readonly users?: readonly User[];
  /** Resources whose bodies the audit log holds too. */
  readonly auditBodies?: readonly { readonly group: string; readonly resources: readonly string[] }[];
  /** Parts beside etcd and kube-apiserver. */
  readonly parts?: readonly Part[];
}

export const ADMIN: User = { name: 'admin', groups: ['system:masters'] };
const MANAGER: User = { name: 'system:kube-controller-manager' };
const SCHEDULER: User = { name: 'system:kube-scheduler' };
const START_MS_MAX = 60_000;
const IN_MEMORY = '/dev/shm';

/** Starts a control plane and waits until it is ready. */
export async function startPlane(options: PlaneOptions): Promise<Plane> {
  const { name, programs, certificates } = options;
  const directory = join(options.directory, name);
  mkdirSync(directory, { recursive: true });
  const users = [ADMIN, MANAGER, SCHEDULER, ...(options.users ?? [])];
  const tokens = new Map(users.map((user) => [user.name, randomBytes(16).toString('hex')]));
  const token = (user = ADMIN.name) => {
    const found = tokens.get(user);
    if (!found) throw new RangeError(`plane ${name} has no user ${user}`);
    return found;
  };
  const setting = await makeSetting(directory, options);
  const url = `https://127.0.0.1:${setting.ports.apiserver}`;
  writeUsers(setting, users, token);
  writeKubeconfig(setting.managerConfig, url, certificates.ca, token(MANAGER.name));
  writeKubeconfig(setting.schedulerConfig, url, certificates.ca, token(SCHEDULER.name));
  const ca = readFileSync(certificates.ca, 'utf8');
  const connection = (user?: string): KubeConnection => ({ server: url, ca, token: () => token(user) });

  const kubeconfig = (user = ADMIN.name) => {
    const path = join(directory, `${user.replaceAll(/[^\w.-]+/g, '_')}.kubeconfig`);
    writeKubeconfig(path, url, certificates.ca, token(user));
    return path;
  };

  const children = new Map<Part, ChildProcess>();
  const start = async (part: Part) => {
    const [program, ...first] = programs(part) ?? [];
    if (!program) throw new Error(`There is no ${part} in KUBEBUILDER_ASSETS.`);
    const args = [...first, ...flagsOf(part, setting)];
    const child = spawnMortal(program, args, join(directory, `${part}.log`));
    children.set(part, child);
    if (part === 'kube-apiserver') await untilReady(connection(), directory, child);
  };
  const stop = async () => {
    // What is in memory goes with it, so nobody needs to be asked kindly.
    for (const part of [...children.keys()].reverse()) children.get(part)?.kill('SIGKILL');
    await Promise.all([...children.values()].map(stopChild));
    rmSync(setting.data, { recursive: true, force: true });
  };
  try {
    for (const part of ['etcd', 'kube-apiserver', ...(options.parts ?? [])] as const) await start(part);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    name,
    url,
    token,
    connection,
    kubeconfig,
    auditLog: setting.auditLog,
    start,
    async kill(part) {
      const child = children.get(part);
      const ended = new Promise((resolve) => child?.once('exit', resolve));
      if (child?.kill('SIGKILL')) await ended;
    },
    compact: () => compactEtcd(`http://127.0.0.1:${setting.ports.client}`),
    stop,
  };
}

async function makeSetting(
  directory: string,
  { certificates, auditBodies = [] }: PlaneOptions,
): Promise<Setting> {
  const [tokenKeys, client, peer, apiserver, manager, scheduler] = await Promise.all([
    makeTokenKeys(directory),
    freePort(),
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  return {
    directory,
    data: mkdtempSync(join(existsSync(IN_MEMORY) ? IN_MEMORY : directory, 'kmm-etcd-')),
    ports: { client, peer, apiserver, manager, scheduler },
    certificates,
    tokenKeys,
    users: join(directory, 'users.csv'),
    managerConfig: join(directory, 'controller-manager.kubeconfig'),
    schedulerConfig: join(directory, 'scheduler.kubeconfig'),
    auditLog: join(directory, 'audit.log'),
    auditPolicy: writeAuditPolicy(join(directory, 'audit-policy.json'), auditBodies),
  };
}

async function compactEtcd(url: string): Promise<void> {
  const ask = async (path: string, body: object) => {
    const answer = await fetch(`${url}/v3/kv/${path}`, { method: 'POST', body: JSON.stringify(body) });
    const text = await answer.text();
    const isDone = answer.ok || text.includes('has been compacted');
    if (!isDone) throw new Error(`etcd answers ${answer.status}: ${text.slice(0, 300)}`);
    return JSON.parse(text) as { header: { revision: string } };
  };
  const { header } = await ask('range', { key: Buffer.from('/').toString('base64') });
  await ask('compaction', { revision: header.revision, physical: true });
}

/** Lines of `token,user,uid,"group,group"`. */
function writeUsers({ users: path }: Setting, users: readonly User[], token: (user: string) => string): void {
  const lines = users.map(
    ({ name, groups = [] }) => `${token(name)},${name},${name},"${groups.join(',')}"\n`,
  );
  writeFileSync(path, lines.join(''), { mode: 0o600 });
}

function writeAuditPolicy(path: string, bodies: NonNullable<PlaneOptions['auditBodies']>): string {
  const omitStages = ['RequestReceived'];
  const rules = [
    ...bodies.map((resources) => ({ level: 'Request', resources: [resources], omitStages })),
    { level: 'Metadata', omitStages },
  ];
  writeFileSync(path, JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules }));
  return path;
}

function writeKubeconfig(path: string, server: string, ca: string, token: string): void {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'plane',
    clusters: [{ name: 'plane', cluster: { server, 'certificate-authority': ca } }],
    users: [{ name: 'user', user: { token } }],
    contexts: [{ name: 'plane', context: { cluster: 'plane', user: 'user' } }],
  };
  writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
}

async function untilReady(connection: KubeConnection, directory: string, child: ChildProcess): Promise<void> {
  const transport = createHttpTransport(connection);
  try {
    for (let waited = 0; waited < START_MS_MAX && child.exitCode === null; waited += 100) {
      if (await isReady(transport)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    await transport.close();
  }
  const log = readFileSync(join(directory, 'kube-apiserver.log'), 'utf8');
  const what =
    child.exitCode === null
      ? `was not ready in ${START_MS_MAX / 1_000} s`
      : `ended with code ${child.exitCode}`;
  throw new Error(`kube-apiserver ${what}:\n${lastLines(log, 15)}`);
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
