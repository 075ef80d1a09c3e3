import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeConnection } from '@kmm-fleet/runtime';
import { writeKubeconfig } from './kubeconfig.ts';

/** Somebody who may log in. What they may do is up to RBAC; the group `system:masters` may do everything. */
export interface User {
  readonly name: string;
  readonly groups?: readonly string[];
}

export const ADMIN: User = { name: 'admin', groups: ['system:masters'] };

/** How users reach a plane. */
export interface PlaneAccess {
  readonly url: string;
  /** Of one of the plane's users; the administrator's by default. */
  token(user?: string): string;
  connection(user?: string): KubeConnection;
  /** Writes a kubeconfig for one of the users and returns its path. */
  kubeconfig(user?: string): string;
}

export interface PlaneAccessOptions {
  readonly name: string;
  readonly directory: string;
  /** Path of the certificate that the server's is signed with. */
  readonly ca: string;
  readonly users: readonly User[];
  /** Of the API server, on the loopback address. */
  readonly port: number;
}

/** Tokens of users, one a line, as kube-apiserver reads them. */
export const USERS_FILE = 'users.csv';

/** Gives the administrator and each user a token, and writes them into {@link USERS_FILE} of the directory. */
export function planeAccess({ name, directory, ca: caFile, users, port }: PlaneAccessOptions): PlaneAccess {
  const url = `https://127.0.0.1:${port}`;
  const ca = readFileSync(caFile, 'utf8');
  const all = [ADMIN, ...users];
  const tokens = new Map(all.map((user) => [user.name, randomBytes(16).toString('hex')]));
  const token = (user = ADMIN.name) => {
    const found = tokens.get(user);
    if (!found) throw new RangeError(`plane ${name} has no user ${user}`);
    return found;
  };
  writeUsers(join(directory, USERS_FILE), all, token);
  return {
    url,
    token,
    connection: (user) => ({ server: url, ca, token: () => token(user) }),
    kubeconfig(user = ADMIN.name) {
      const path = join(directory, `${user.replaceAll(/[^\w.-]+/g, '_')}.kubeconfig`);
      writeKubeconfig(path, caFile, [{ name, server: url, token: token(user) }]);
      return path;
    },
  };
}

/** Lines of `token,user,uid,"group,group"`. */
function writeUsers(path: string, users: readonly User[], token: (user: string) => string): void {
  const lines = users.map(
    ({ name, groups = [] }) => `${token(name)},${name},${name},"${groups.join(',')}"\n`,
  );
  writeFileSync(path, lines.join(''), { mode: 0o600 });
}

/** Resources whose bodies an audit log holds too. */
export type AuditBodies = readonly { readonly group: string; readonly resources: readonly string[] }[];

/** Writes what an API server is to log, and returns the path. */
export function writeAuditPolicy(directory: string, bodies: AuditBodies = []): string {
  const path = join(directory, 'audit-policy.json');
  const omitStages = ['RequestReceived'];
  const rules = [
    ...bodies.map((resources) => ({ level: 'Request', resources: [resources], omitStages })),
    { level: 'Metadata', omitStages },
  ];
  writeFileSync(path, JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules }));
  return path;
}
