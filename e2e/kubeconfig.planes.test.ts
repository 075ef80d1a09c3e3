import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  installObjects,
  makeClientCertificate,
  makeServerCertificates,
  ocmStandIns,
  type Plane,
  planePrograms,
  requestToken,
  type ServerCertificates,
  startPlane,
  until,
} from '@kmm-fleet/lab';
import { accessObjects, editions, groundObjects, hubAccess, userOf } from '@kmm-fleet/policies';
import {
  CORE,
  systemClock as clock,
  createHttpTransport,
  createKubeClient,
  type KubeClient,
  loadKubeConnection,
  systemRandom as random,
  type Transport,
} from '@kmm-fleet/runtime';
import { AuthenticationV1Api, KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { credentialIn, credentialOf } from './kubeconfig/credential-id.ts';
import { type Detour, startProxy, startRelay } from './kubeconfig/detours.ts';
import { writeConfig, writePlugin } from './kubeconfig/kubeconfig-file.ts';
import {
  byKubeconfig,
  inPod,
  isAccepted,
  kmmStatus,
  requestsOf,
  rightsOf,
  startHub,
  usersOf,
  whatHubDid,
} from './kubeconfig/ways.ts';
import { describeSecondClient, type TwiceReached } from './second-client.contract.ts';

/** So long a token is used that was read from a file. */
const TOKEN_FILE_MS = 60_000;
const REVIEW = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
const GROUP = 'readers';
const GROUPS = [GROUP, 'system:authenticated'];

/** What stands in a kubeconfig, for a user of this name. */
interface Form {
  readonly what: string;
  readonly user: (name: string) => object;
  readonly cluster?: () => object;
  /** A client that we did not write cannot read it. */
  readonly isOursAlone?: boolean;
}

// Who kube-apiserver takes our client, kmm and the hub for, by each form of a kubeconfig; a client that we did not write
// reads the same file.
describe('each form of a kubeconfig', () => {
  let folder: string;
  let certificates: ServerCertificates;
  let plane: Plane;
  let client: KubeClient;
  let proxy: Detour;
  let relay: Detour;
  const running: (() => unknown)[] = [];

  const path = (name: string) => join(folder, name);
  const file = (name: string) => readFileSync(path(name), 'utf8');
  const base64 = (name: string) => Buffer.from(file(name)).toString('base64');
  const cluster = () => ({ server: plane.url, 'certificate-authority': 'ca.crt' });
  const byToken = (name: string) => ({ token: plane.token(name) });
  const nameOf = (what: string) => what.replaceAll(' ', '-');

  const forms: readonly Form[] = [
    { what: 'a token', user: byToken },
    {
      what: 'a token in a file beside it',
      user(name) {
        writeFileSync(path('token'), plane.token(name));
        return { tokenFile: 'token' };
      },
      isOursAlone: true,
    },
    {
      what: 'a client certificate in files',
      user: (name) => ({ 'client-certificate': `${name}.crt`, 'client-key': `${name}.key` }),
    },
    {
      what: 'a client certificate inline',
      user: (name) => ({
        'client-certificate-data': base64(`${name}.crt`),
        'client-key-data': base64(`${name}.key`),
      }),
    },
    {
      what: 'a plugin that gives a token',
      user: (name) => writePlugin(path('gives-token'), { token: plane.token(name) }),
    },
    {
      what: 'a plugin that gives a certificate',
      user: (name) =>
        writePlugin(path('gives-cert'), {
          clientCertificateData: file(`${name}.crt`),
          clientKeyData: file(`${name}.key`),
        }),
    },
    {
      what: 'another server name',
      user: byToken,
      cluster: () => ({
        ...cluster(),
        server: `https://${relay.address}`,
        'tls-server-name': 'localhost',
      }),
    },
    {
      what: 'no check of the server',
      user: byToken,
      cluster: () => ({ server: `https://${relay.address}`, 'insecure-skip-tls-verify': true }),
    },
    {
      what: 'a proxy',
      user: byToken,
      // Nobody listens there, so that the proxy is the only way.
      cluster: () => ({
        ...cluster(),
        server: 'https://localhost:1',
        'proxy-url': `http://${proxy.address}`,
      }),
      isOursAlone: true,
    },
  ];
  const write = ({ what, user, cluster: of = cluster }: Form) =>
    writeConfig(path(`${nameOf(what)}.kubeconfig`), of(), user(nameOf(what)));

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kmm-kubeconfig-'));
    certificates = await makeServerCertificates(folder);
    const programs = await planePrograms(() => {});
    const names = [...forms.map(({ what }) => nameOf(what)), 'jane', 'mary', 'in-a-pod'];
    const users = [
      ...names.map((name) => ({ name, groups: [GROUP] })),
      { name: 'system:admin', groups: ['system:masters'] },
    ];
    plane = await startPlane({ name: 'forms', directory: folder, programs, certificates, users });
    running.push(() => plane.stop());
    for (const { what } of forms.filter((form) => form.what.includes('certificate')))
      await makeClientCertificate(folder, certificates, { name: nameOf(what), groups: [GROUP] });
    proxy = await startProxy(plane.url);
    relay = await startRelay(plane.url);
    running.push(proxy.close, relay.close);
    const transport = createHttpTransport(plane.connection());
    running.push(() => transport.close());
    client = createKubeClient({ transport, clock, random, userAgent: 'test' });
    const ofHub = [...groundObjects(editions.hub), ...accessObjects(hubAccess)];
    await installObjects(client, [rightsOf(GROUP), ...ocmStandIns([]), ...ofHub], clock);
  });
  afterAll(async () => {
    for (const end of running.reverse()) await end();
    rmSync(folder, { recursive: true, force: true });
  });

  /** By our own client: status, user and groups. */
  const whoAmI = async (transport: Transport) => {
    const { status, body } = await transport.request({
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(REVIEW),
    });
    const { status: answer } = JSON.parse(Buffer.concat(await Array.fromAsync(body)).toString()) as {
      status?: { userInfo?: { username: string; groups: string[] } };
    };
    return { status, username: answer?.userInfo?.username, groups: answer?.userInfo?.groups };
  };
  const ask = async (kubeconfig: string) => {
    const transport = createHttpTransport(await loadKubeConnection(process.env, { kubeconfig }));
    try {
      return await whoAmI(transport);
    } finally {
      await transport.close();
    }
  };
  const askTheirs = async (kubeconfig: string) => {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const { status } = await config
      .makeApiClient(AuthenticationV1Api)
      .createSelfSubjectReview({ body: REVIEW });
    return { username: status?.userInfo?.username, groups: status?.userInfo?.groups };
  };
  const usersOfKmm = () => usersOf(plane, /^kmm-cli/);
  const untilHubWorks = (username: string) =>
    until(`a hub works as ${username}`, async () => {
      const { lease, watch } = await whatHubDid(plane, username);
      return [...(lease ? [] : ['no lease']), ...(watch ? [] : ['no watch'])];
    });

  it.each(forms)('$what: our client and another one are the same user', async (form) => {
    const kubeconfig = write(form);
    const user = { username: nameOf(form.what), groups: GROUPS };

    expect(await ask(kubeconfig)).toEqual({ status: 201, ...user });
    if (!form.isOursAlone) expect(await askTheirs(kubeconfig)).toEqual(user);
  });

  it.each(forms)('$what: kmm uses it', async (form) => {
    expect(await kmmStatus(byKubeconfig(write(form)))).toContain('No ManagedClusterModule is on this hub.');

    expect(await usersOfKmm()).toContain(nameOf(form.what));
  });

  it.each(forms)('$what: a hub works by it', async (form) => {
    const hub = startHub(byKubeconfig(write(form)), folder);
    try {
      await untilHubWorks(nameOf(form.what));
      expect(hub.crashes()).toBe(0);
    } finally {
      await hub.stop();
    }
  });

  it('the proxy was asked for the server that was named', () => {
    expect(new Set(proxy.connections)).toEqual(new Set(['localhost:1']));
  });

  it('an address that the certificate of the server does not have is refused where no name is given', async () => {
    const of = { ...cluster(), server: `https://${relay.address}` };
    const kubeconfig = writeConfig(path('config'), of, byToken('jane'));

    await expect(ask(kubeconfig)).rejects.toThrow(/does not match certificate's altnames/);
    expect(await kmmStatus(byKubeconfig(kubeconfig))).toMatch(/does not match certificate's altnames/);
  });

  it('somebody who may acts as somebody else', async () => {
    const user = { ...byToken('system:admin'), as: 'mary', 'as-groups': ['writers'] };

    expect(await ask(writeConfig(path('config'), cluster(), user))).toEqual({
      status: 201,
      username: 'mary',
      groups: ['writers', 'system:authenticated'],
    });
  });

  it('a plugin is asked again after its credential was not accepted', async () => {
    const user = writePlugin(path('rotates'), { token: 'no longer good' });
    const kubeconfig = writeConfig(path('config'), cluster(), user);
    const transport = createHttpTransport(await loadKubeConnection(process.env, { kubeconfig }));
    const status = async () => {
      const answer = await transport.request({ method: 'GET', path: '/api/v1/namespaces', headers: {} });
      for await (const _ of answer.body);
      return answer.status;
    };

    expect(await status()).toBe(401);
    writePlugin(path('rotates'), byToken('system:admin'));
    expect(await status()).toBe(200);
    await transport.close();
  });

  /** A folder as a kubelet makes it for a service account, and what puts another token there of a sudden. */
  const serviceAccount = (token: string) => {
    const account = mkdtempSync(path('account-'));
    const put = (next: string) => {
      writeFileSync(join(account, 'next'), next);
      renameSync(join(account, 'next'), join(account, 'token'));
    };
    copyFileSync(certificates.ca, join(account, 'ca.crt'));
    put(token);
    return { account, put };
  };

  it('the token of a service account, and the one that takes its place while the client lives', async () => {
    const { account, put } = serviceAccount(plane.token('jane'));
    const { env } = inPod(account, plane.url);
    const transport = createHttpTransport(await loadKubeConnection(env, { account }));
    const jane = { status: 201, username: 'jane', groups: GROUPS };
    expect(await whoAmI(transport)).toEqual(jane);

    put(plane.token('mary'));
    expect(await whoAmI(transport)).toEqual(jane);
    const passed = performance.now() + TOKEN_FILE_MS;
    const later = vi.spyOn(performance, 'now').mockImplementation(() => passed + 1);
    expect(await whoAmI(transport)).toEqual({ ...jane, username: 'mary' });
    later.mockRestore();
    await transport.close();
  });

  it('in a pod kmm uses the service account', async () => {
    const { account } = serviceAccount(plane.token('in-a-pod'));

    expect(await kmmStatus(inPod(account, plane.url))).toContain('No ManagedClusterModule is on this hub.');

    expect(await usersOfKmm()).toContain('in-a-pod');
  });

  it('in a pod a hub works by its service account, and goes on by the next token when the first has ended', async () => {
    const { namespace } = hubAccess.account;
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name: 'bound-to' } };
    const { metadata } = await client.create(CORE.secret, secret);
    const boundObjectRef = { apiVersion: 'v1', kind: 'Secret', name: metadata.name, uid: metadata.uid };
    const first = await requestToken(plane, hubAccess.account, { boundObjectRef });
    const { account, put } = serviceAccount(first);
    const hub = startHub(inPod(account, plane.url), folder);
    try {
      const pid = hub.pid();
      await untilHubWorks(userOf(hubAccess));
      const tokens = async () =>
        new Set((await requestsOf(plane, /^kmm-hub/)).filter(isAccepted).map(credentialIn));
      const second = await requestToken(plane, hubAccess.account);
      expect(await tokens()).toContain(credentialOf(first));

      put(second);
      await client.delete(CORE.secret, metadata, {});
      await until('the hub uses the next token', async () => (await tokens()).has(credentialOf(second)));
      expect([hub.pid(), hub.crashes()]).toEqual([pid, 0]);
    } finally {
      await hub.stop();
    }
  });

  describe('its administrator', () => {
    let reached: TwiceReached;

    beforeAll(() => {
      const config = new KubeConfig();
      config.loadFromFile(plane.kubeconfig());
      reached = { transport: createHttpTransport(plane.connection()), config };
    });
    afterAll(() => reached.transport.close());

    describeSecondClient('kube-apiserver', () => reached);
  });
});
