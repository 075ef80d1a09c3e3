import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allOver } from '../all-over.ts';
import { makeClientCertificate, makeTokenKeys } from '../certificates.ts';
import { spawnMortal, stopChild } from '../mortal-child.ts';
import { makeMortalFolder, removeFolder } from '../mortal-folder.ts';
import { freePort } from '../registry.ts';
import { type Defer, startAll } from '../start-all.ts';
import { flagsOf, type Setting } from './flags.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { type NodeTunnel, startNodeTunnel } from './node-tunnel.ts';
import type { Plane, PlaneOptions } from './plane.ts';
import { ADMIN, planeAccess, USERS_FILE, type User, writeAuditPolicy } from './plane-access.ts';
import type { Part } from './program.ts';
import { type StartingPart, untilReady } from './until-ready.ts';

const MANAGER: User = { name: 'system:kube-controller-manager' };
const SCHEDULER: User = { name: 'system:kube-scheduler' };
const IN_MEMORY = '/dev/shm';
const CONTROLLER_PORTS = { 'kube-controller-manager': 'manager', 'kube-scheduler': 'scheduler' } as const;

/** Starts etcd, kube-apiserver and what else is wanted as processes, and waits until they are ready. */
export const startProcessPlane = (options: PlaneOptions): Promise<Plane> =>
  startAll((defer) => startParts(options, defer));

async function startParts(options: PlaneOptions, defer: Defer): Promise<Omit<Plane, 'stop'>> {
  const { name, directory, programs, certificates } = options;
  const tunnel = options.kubelets && (await startNodeTunnel(directory, options.kubelets));
  defer(() => tunnel?.stop());
  const data = makeMortalFolder(existsSync(IN_MEMORY) ? IN_MEMORY : directory, 'kmm-etcd');
  defer(() => removeFolder(data));
  const setting = await makeSetting(options, data, tunnel);
  const users = [MANAGER, SCHEDULER, ...(options.users ?? [])];
  const { ca } = certificates;
  const access = planeAccess({ name, directory, ca, users, port: setting.ports.apiserver });
  for (const [path, user] of [
    [setting.managerConfig, MANAGER],
    [setting.schedulerConfig, SCHEDULER],
  ] as const)
    writeKubeconfig(path, ca, [{ name, server: access.url, token: access.token(user.name) }]);

  const children = new Map<Part, ChildProcess>();
  const start = async (part: Part) => {
    const [program, ...first] = programs(part) ?? [];
    if (!program) throw new Error(`There is no ${part} in KUBEBUILDER_ASSETS.`);
    const args = [...first, ...flagsOf(part, setting)];
    const child = spawnMortal(program, args, join(directory, `${part}.log`));
    children.set(part, child);
    // etcd is ready when kube-apiserver is.
    if (part !== 'etcd') await untilReady(startingPart(part));
  };
  const startingPart = (part: Exclude<Part, 'etcd'>): StartingPart => {
    const needs: readonly Part[] = part === 'kube-apiserver' ? ['etcd', part] : [part];
    return {
      ...(part === 'kube-apiserver'
        ? { connection: access.connection(), path: '/readyz' }
        : {
            connection: { server: `https://127.0.0.1:${setting.ports[CONTROLLER_PORTS[part]]}` },
            path: '/healthz',
          }),
      ca: readFileSync(ca, 'utf8'),
      part,
      needed: new Map([...children].filter(([each]) => needs.includes(each))),
      logOf: (each) => join(directory, `${each}.log`),
    };
  };
  defer(async () => {
    // What is in memory goes with it, so nobody needs to be asked kindly.
    for (const part of [...children.keys()].reverse()) children.get(part)?.kill('SIGKILL');
    await Promise.all([...children.values()].map(stopChild));
  });
  for (const part of ['etcd', 'kube-apiserver'] as const) await start(part);
  await allOver((options.parts ?? []).map(start));
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
      client: await makeClientCertificate(directory, certificates, ADMIN),
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
