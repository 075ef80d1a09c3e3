import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { OPERATOR, RESOURCES } from '@kmm-fleet/api';
import { type CommandLine, type Supervised, supervise } from '@kmm-fleet/cli';
import { isRoot, type Plane, readAuditLog } from '@kmm-fleet/lab';
import type { AuditedRequest } from '@kmm-fleet/policies';
import type { KubeObject } from '@kmm-fleet/runtime';
import { kmmCommand } from '../install/install-plane.ts';

const run = promisify(execFile);

/** How a program of ours finds its API server, and who it is there. */
export interface Way {
  readonly env: Readonly<Record<string, string>>;
  readonly within?: (command: CommandLine) => CommandLine;
}

export const byKubeconfig = (path: string): Way => ({ env: { KUBECONFIG: path } });

/**
 * As in a pod: variables of the Service `kubernetes`, and the files of a service account where a kubelet mounts them,
 * which is so for this program alone.
 */
export function inPod(account: string, server: string): Way {
  const { hostname, port } = new URL(server);
  const mounts = 'F=/var/run/secrets/kubernetes.io; mount -t tmpfs none /var/run && mkdir -p $F && ';
  const script = `${mounts} ln -s "$0" $F/serviceaccount && exec "$@"`;
  const asRoot = isRoot() ? [] : ['--map-root-user'];
  return {
    env: { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port },
    within: (command) => ['unshare', '--mount', ...asRoot, 'sh', '-c', script, account, ...command],
  };
}

/** What `kmm status` says, however it ends. */
export async function kmmStatus({ env, within = (command) => command }: Way): Promise<string> {
  const [program, ...args] = within(kmmCommand('status'));
  const { stdout, stderr } = await run(program, args, {
    env: { ...process.env, KUBECONFIG: undefined, ...env },
  }).catch((error: { stdout: string; stderr: string }) => error);
  return stdout + stderr;
}

/** A hub as a process, with files in a folder of its own. */
export function startHub({ env, within }: Way, folder: string): Supervised {
  const own = mkdtempSync(join(folder, 'hub-'));
  return supervise('hub', { ...env, KMM_BUILD_DIR: join(own, 'builds') }, join(own, 'log'), { within });
}

/** What was asked of a plane by programs with this user agent. */
export async function requestsOf({ auditLog }: Plane, agent: RegExp): Promise<AuditedRequest[]> {
  const log = await Array.fromAsync(readAuditLog(auditLog));
  return log.filter(({ userAgent = '' }) => agent.test(userAgent));
}

/** Names of those as whom they were answered. */
export async function usersOf(plane: Plane, agent: RegExp): Promise<ReadonlySet<string>> {
  return new Set((await requestsOf(plane, agent)).filter(isAccepted).map(({ user }) => user.username));
}

/** Whether a hub has, as this user, written its lease, and been told of modules. */
export async function whatHubDid(plane: Plane, username: string) {
  const own = (await requestsOf(plane, /^kmm-hub/)).filter(
    (request) => request.user.username === username && isAccepted(request),
  );
  const has = (verb: RegExp, is: (ref: NonNullable<AuditedRequest['objectRef']>) => boolean) =>
    own.some((request) => verb.test(request.verb) && request.objectRef && is(request.objectRef));
  return {
    lease: has(/create|update/, ({ name }) => name === OPERATOR.hubLease),
    watch: has(/watch/, ({ resource }) => resource === RESOURCES.managedClusterModule.plural),
  };
}

export const isAccepted = ({ responseStatus }: AuditedRequest): boolean =>
  (responseStatus?.code ?? 500) < 400;

/** All that there is may be done by who is in the group. */
export const rightsOf = (group: string): KubeObject => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: group },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: group }],
});
