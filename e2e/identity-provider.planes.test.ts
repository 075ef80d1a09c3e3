import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { OPERATOR } from '@kmm-fleet/api';
import { supervise } from '@kmm-fleet/cli';
import {
  installObjects,
  makeServerCertificates,
  type Plane,
  planePrograms,
  readAuditLog,
  type ServerCertificates,
  startPlane,
} from '@kmm-fleet/lab';
import { editions, groundObjects } from '@kmm-fleet/policies';
import {
  systemClock as clock,
  createHttpTransport,
  createKubeClient,
  systemRandom as random,
} from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from './faults/patience.ts';
import {
  CLIENT_ID,
  GROUP,
  type IdentityProvider,
  refreshTokenOf,
  startIdentityProvider,
} from './identity-provider/identity-provider.ts';

const run = promisify(execFile);
/** So long the first token of the hub is good. */
const FIRST_SECONDS = 4;

describe('a kube-apiserver that asks an identity provider who somebody is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kmm-oidc-'));
  let certificates: ServerCertificates;
  let provider: IdentityProvider;
  let plane: Plane;

  beforeAll(async () => {
    certificates = await makeServerCertificates(folder);
    provider = await startIdentityProvider(certificates.server);
    const programs = await planePrograms(() => {});
    const identityProvider = { url: provider.url, clientId: CLIENT_ID };
    plane = await startPlane({ name: 'oidc', directory: folder, programs, certificates, identityProvider });
    const transport = createHttpTransport(plane.connection());
    const client = createKubeClient({ transport, clock, random, userAgent: 'test' });
    const rights = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'of-the-provider' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: GROUP }],
    };
    await installObjects(client, [rights, ...groundObjects(editions.hub)], clock);
    await transport.close();
  });
  afterAll(async () => {
    await plane?.stop();
    await provider?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const kubeconfig = (name: string, user: object) => {
    const path = join(folder, name);
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'x',
      clusters: [{ name: 'c', cluster: { server: plane.url, 'certificate-authority': certificates.ca } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    };
    writeFileSync(path, JSON.stringify(config));
    return path;
  };
  const ofProvider = (user: string, idToken: string) => ({
    'auth-provider': {
      name: 'oidc',
      config: {
        ...{ 'idp-issuer-url': provider.url, 'idp-certificate-authority': certificates.ca },
        ...{ 'client-id': CLIENT_ID, 'id-token': idToken, 'refresh-token': refreshTokenOf(user) },
      },
    },
  });
  /** A plugin that gives this token until it is told to give another one. */
  const plugin = (name: string, token: string, seconds: number) => {
    const apiVersion = 'client.authentication.k8s.io/v1';
    const expirationTimestamp = new Date(Date.now() + seconds * 1_000).toISOString();
    const answer = { apiVersion, kind: 'ExecCredential', status: { token, expirationTimestamp } };
    const script = `#!/bin/sh\ncat <<'END'\n${JSON.stringify(answer)}\nEND\n`;
    writeFileSync(join(folder, name), script, { mode: 0o755 });
    return { exec: { apiVersion, command: join(folder, name), interactiveMode: 'Never' } };
  };
  const kmm = async (path: string) => {
    const args = ['status', '--kubeconfig', path];
    const { stdout, stderr } = await run('bin/kmm', args).catch(
      (error: { stdout: string; stderr: string }) => error,
    );
    return stdout + stderr;
  };
  /** Names of those who have sent something by this user agent. */
  const users = async (agent: RegExp) => {
    const log = await Array.fromAsync(readAuditLog(plane.auditLog));
    const sent = log.filter(({ userAgent = '' }) => agent.test(userAgent));
    return new Set(sent.map(({ user }) => user.username));
  };

  it('the CLI shows the id-token of a kubeconfig; one that has ended is renewed by kubectl, as it says', async () => {
    const path = kubeconfig('ended', ofProvider('jane', provider.idToken('jane', -60)));
    expect(await kmm(path)).toMatch(/id-token of user u in \S+ expired at \S+ Run any kubectl command/);
    expect(await users(/^kmm/)).toEqual(new Set());

    await run('kubectl', ['--kubeconfig', path, 'get', 'namespaces']);
    expect(provider.asked).toContain('/token');
    expect(readFileSync(path, 'utf8')).toContain(refreshTokenOf('jane'));
    expect(await kmm(path)).not.toMatch(/expired|nauthorized/);
    expect(await users(/^kmm/)).toEqual(new Set(['jane']));
  });

  it('the CLI shows the id-token of a plugin', async () => {
    const path = kubeconfig('plugin', plugin('login', provider.idToken('mary', 600), 600));

    expect(await kmm(path)).not.toMatch(/nauthorized/);
    expect(await users(/^kmm/)).toContain('mary');
  });

  it('a hub asks its plugin again when the id-token ends, and works on', async () => {
    const path = kubeconfig(
      'hub',
      plugin('hub-login', provider.idToken('first', FIRST_SECONDS), FIRST_SECONDS),
    );
    const log = join(folder, 'hub.log');
    const hub = supervise('hub', { KUBECONFIG: path, KMM_BUILD_DIR: join(folder, 'builds') }, log, () => {});
    try {
      const pid = hub.pid();
      await until('the hub works as first', async () => (await users(/^kmm-hub/)).has('first'));
      plugin('hub-login', provider.idToken('second', 600), 600);
      await until('the hub renews its lease as second', async () => {
        const requests = await Array.fromAsync(readAuditLog(plane.auditLog));
        return requests.some(
          ({ user, verb, objectRef }) =>
            user.username === 'second' && verb === 'update' && objectRef?.name === OPERATOR.hubLease,
        );
      });
      expect(hub.pid()).toBe(pid);
    } finally {
      await hub.stop();
    }
  });
});
