import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  installObjects,
  makeServerCertificates,
  type Plane,
  planePrograms,
  type ServerCertificates,
  startPlane,
  until,
} from '@kmm-fleet/lab';
import { editions, groundObjects } from '@kmm-fleet/policies';
import {
  systemClock as clock,
  createHttpTransport,
  createKubeClient,
  systemRandom as random,
} from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CLIENT_ID,
  GROUP,
  type IdentityProvider,
  refreshTokenOf,
  startIdentityProvider,
} from './identity-provider/identity-provider.ts';
import { writeConfig, writePlugin } from './kubeconfig/kubeconfig-file.ts';
import {
  byKubeconfig,
  kmmStatus,
  requestsOf,
  rightsOf,
  startHub,
  usersOf,
  whatHubDid,
} from './kubeconfig/ways.ts';

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
    await installObjects(client, [rightsOf(GROUP), ...groundObjects(editions.hub)], clock);
    await transport.close();
  });
  afterAll(async () => {
    await plane?.stop();
    await provider?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const kubeconfig = (name: string, user: object) =>
    writeConfig(join(folder, name), { server: plane.url, 'certificate-authority': certificates.ca }, user);
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
    const expirationTimestamp = new Date(Date.now() + seconds * 1_000).toISOString();
    return writePlugin(join(folder, name), { token, expirationTimestamp });
  };
  const kmm = (path: string) => kmmStatus(byKubeconfig(path));

  it('the CLI shows the id-token of a kubeconfig; one that has ended is renewed by kubectl, as it says', async () => {
    const path = kubeconfig('ended', ofProvider('jane', provider.idToken('jane', -60)));
    expect(await kmm(path)).toMatch(/id-token of user u in \S+ expired at \S+ Run any kubectl command/);
    expect(await requestsOf(plane, /^kmm/)).toEqual([]);

    await run('kubectl', ['--kubeconfig', path, 'get', 'namespaces']);
    expect(provider.asked).toContain('/token');
    expect(readFileSync(path, 'utf8')).toContain(refreshTokenOf('jane'));
    expect(await kmm(path)).not.toMatch(/expired|nauthorized/);
    expect(await usersOf(plane, /^kmm/)).toEqual(new Set(['jane']));
  });

  it('the CLI shows the id-token of a plugin', async () => {
    const path = kubeconfig('plugin', plugin('login', provider.idToken('mary', 600), 600));

    expect(await kmm(path)).not.toMatch(/nauthorized/);
    expect(await usersOf(plane, /^kmm/)).toContain('mary');
  });

  it('a hub asks its plugin again when the id-token ends, and works on', async () => {
    const path = kubeconfig(
      'hub',
      plugin('hub-login', provider.idToken('first', FIRST_SECONDS), FIRST_SECONDS),
    );
    const hub = startHub(byKubeconfig(path), folder);
    try {
      const pid = hub.pid();
      await until('the hub works as first', async () => (await usersOf(plane, /^kmm-hub/)).has('first'));
      plugin('hub-login', provider.idToken('second', 600), 600);
      await until(
        'the hub renews its lease as second',
        async () => (await whatHubDid(plane, 'second')).lease,
      );
      expect(hub.pid()).toBe(pid);
    } finally {
      await hub.stop();
    }
  });
});
