import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHttpTransport, type KubeConnection, type Transport } from '@kmm-fleet/runtime';
import { makeAdminCertificate, makeTokenKeys } from '../certificates.ts';
import { tailOf } from '../command.ts';
import { spawnMortal, stopChild } from '../mortal-child.ts';
import { makeMortalFolder, removeFolder } from '../mortal-folder.ts';
import { freePort } from '../registry.ts';
import { flagsOf, type Setting } from './flags.ts';
import { type NodeTunnel, startNodeTunnel } from './node-tunnel.ts';
import type { Plane, PlaneOptions } from './plane.ts';
import { planeAccess, USERS_FILE, type User, writeAuditPolicy, writeKubeconfig } from './plane-access.ts';
import type { Part } from './program.ts';

const MANAGER: User = { name: 'system:kube-controller-manager' };
const SCHEDULER: User = { name: 'system:kube-scheduler' };
const START_MS_MAX = 60_000;
const ANSWER_MS_MAX = 3_000;
/** As programs in Go say it. */
const PORT_TAKEN = /listen tcp (\S+): bind: address already in use/;
const IN_MEMORY = '/dev/shm';

/** Starts etcd, kube-apiserver and what else is wanted as processes, and waits until they are ready. */
export async function startProcessPlane(options: PlaneOptions): Promise<Plane> {
  const { name, directory, programs, certificates } = options;
  await using started = new AsyncDisposableStack();
  const tunnel = options.kubelets && (await startNodeTunnel(directory, options.kubelets));
  started.defer(() => tunnel?.stop());
  const data = makeMortalFolder(existsSync(IN_MEMORY) ? IN_MEMORY : directory, 'kmm-etcd');
  started.defer(() => removeFolder(data));
  const setting = await makeSetting(options, data, tunnel);
  const users = [MANAGER, SCHEDULER, ...(options.users ?? [])];
  const { ca } = certificates;
  const access = planeAccess({ name, directory, ca, users, port: setting.ports.apiserver });
  writeKubeconfig(setting.managerConfig, access.url, ca, { token: access.token(MANAGER.name) });
  writeKubeconfig(setting.schedulerConfig, access.url, ca, { token: access.token(SCHEDULER.name) });

  const children = new Map<Part, ChildProcess>();
  const start = async (part: Part) => {
    const [program, ...first] = programs(part) ?? [];
    if (!program) throw new Error(`There is no ${part} in KUBEBUILDER_ASSETS.`);
    const args = [...first, ...flagsOf(part, setting)];
    const child = spawnMortal(program, args, join(directory, `${part}.log`));
    children.set(part, child);
    if (part === 'kube-apiserver') await untilReady(access.connection(), directory, children);
  };
  started.defer(async () => {
    // What is in memory goes with it, so nobody needs to be asked kindly.
    for (const part of [...children.keys()].reverse()) children.get(part)?.kill('SIGKILL');
    await Promise.all([...children.values()].map(stopChild));
  });
  for (const part of ['etcd', 'kube-apiserver', ...(options.parts ?? [])] as const) await start(part);
  const running = started.move();
  return {
    ...access,
    name,
    auditLog: setting.auditLog,
    start,
    async kill(part) {
      const child = children.get(part);
      const ended = new Promise((resolve) => child?.once('exit', resolve));
      if (child?.kill('SIGKILL')) await ended;
    },
    compact: () => compactEtcd(`http://127.0.0.1:${setting.ports.client}`),
    stop: () => running.disposeAsync(),
  };
}

async function makeSetting(
  { directory, certificates, auditBodies, identityProvider }: PlaneOptions,
  data: string,
  tunnel: NodeTunnel | undefined,
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
    data,
    ports: { client, peer, apiserver, manager, scheduler },
    certificates,
    tokenKeys,
    users: join(directory, USERS_FILE),
    managerConfig: join(directory, 'controller-manager.kubeconfig'),
    schedulerConfig: join(directory, 'scheduler.kubeconfig'),
    auditLog: join(directory, 'audit.log'),
    auditPolicy: writeAuditPolicy(directory, auditBodies),
    identityProvider,
    kubelets: tunnel && {
      egress: tunnel.config,
      client: await makeAdminCertificate(directory, certificates),
    },
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

/** @throws {Error} in the words of etcd or kube-apiserver, whichever has ended or is not ready */
async function untilReady(
  connection: KubeConnection,
  directory: string,
  children: ReadonlyMap<Part, ChildProcess>,
): Promise<void> {
  const needed = [...children].filter(([part]) => part === 'etcd' || part === 'kube-apiserver');
  const endMs = Date.now() + START_MS_MAX;
  const ended = () => needed.find(([, { exitCode }]) => exitCode !== null);
  const transport = createHttpTransport(connection);
  try {
    while (Date.now() < endMs && !ended()) {
      if (await isReady(transport)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    await transport.close();
  }
  const [part, child] = ended() ?? ['kube-apiserver'];
  const log = readFileSync(join(directory, `${part}.log`), 'utf8');
  const [, address] = PORT_TAKEN.exec(log) ?? [];
  if (address)
    throw new Error(`${part} wants ${address}, which another program has taken since. Start it again.`);
  const what = child ? `ended with code ${child.exitCode}` : `was not ready in ${START_MS_MAX / 1_000} s`;
  throw new Error(`${part} ${what}:\n${tailOf(log, 15)}`);
}

async function isReady(transport: Transport): Promise<boolean> {
  try {
    // Who listens and says nothing is somebody else, or is not there yet.
    const soon = AbortSignal.timeout(ANSWER_MS_MAX);
    const { status, body } = await transport.request({ method: 'GET', path: '/readyz', headers: {} }, soon);
    for await (const _ of body);
    return status === 200;
  } catch {
    return false;
  }
}
