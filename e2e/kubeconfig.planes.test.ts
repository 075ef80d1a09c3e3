import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  makeServerCertificates,
  type Plane,
  planePrograms,
  type ServerCertificates,
  startPlane,
} from '@kmm-fleet/lab';
import { createHttpTransport, loadKubeConnection, type Transport } from '@kmm-fleet/runtime';
import { AuthenticationV1Api, KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { describeSecondClient, type TwiceReached } from './second-client.contract.ts';

/** So long a token is used that was read from a file. */
const TOKEN_FILE_MS = 60_000;
const REVIEW = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };

// Who kube-apiserver takes us for, by each form of a kubeconfig; a client that we did not write reads the same file.
describe('each form of a kubeconfig', () => {
  let folder: string;
  let certificates: ServerCertificates;
  let plane: Plane;
  let proxy: Server;
  const proxied: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kmm-kubeconfig-'));
    certificates = await makeServerCertificates(folder);
    const programs = await planePrograms(() => {});
    const users = [
      { name: 'jane', groups: ['readers'] },
      { name: 'mary', groups: ['readers'] },
      { name: 'system:admin', groups: ['system:masters'] },
    ];
    plane = await startPlane({ name: 'forms', directory: folder, programs, certificates, users });
    const made = (name: string) => [
      '-keyout',
      join(folder, `${name}.key`),
      '-out',
      join(folder, `${name}.crt`),
    ];
    const ca = ['-CA', certificates.ca, '-CAkey', certificates.caKey];
    const args =
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /O=readers/CN=carl';
    execFileSync('openssl', [...args.split(' '), ...made('carl'), ...ca], { stdio: 'ignore' });
    proxy = createServer().on('connect', (request, socket) => {
      proxied.push(request.url ?? '');
      const [host = '', port = ''] = (request.url ?? '').split(':');
      const upstream = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      upstream.on('error', () => socket.destroy());
      socket.on('error', () => upstream.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    proxy.closeAllConnections();
    proxy.close();
    await plane?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const cluster = () => ({ server: plane.url, 'certificate-authority': 'ca.crt' });
  const write = (name: string, user: object, of: object = cluster()) => {
    const path = join(folder, name);
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'x',
      clusters: [{ name: 'c', cluster: of }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    };
    writeFileSync(path, JSON.stringify(config));
    return path;
  };
  const script = (name: string, status: object) => {
    const answer = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status };
    writeFileSync(join(folder, name), `#!/bin/sh\ncat <<'END'\n${JSON.stringify(answer)}\nEND\n`, {
      mode: 0o755,
    });
    return { apiVersion: answer.apiVersion, command: join(folder, name), interactiveMode: 'Never' };
  };
  const file = (name: string) => readFileSync(join(folder, name), 'utf8');

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
    const transport = createHttpTransport(loadKubeConnection(process.env, { kubeconfig }));
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

  const forms: [string, string, () => object, (() => object)?][] = [
    ['a token', 'jane', () => ({ token: plane.token('jane') })],
    [
      'a client certificate in files',
      'carl',
      () => ({ 'client-certificate': 'carl.crt', 'client-key': 'carl.key' }),
    ],
    [
      'a client certificate inline',
      'carl',
      () => ({
        'client-certificate-data': Buffer.from(file('carl.crt')).toString('base64'),
        'client-key-data': Buffer.from(file('carl.key')).toString('base64'),
      }),
    ],
    [
      'a plugin that gives a token',
      'jane',
      () => ({ exec: script('gives-token', { token: plane.token('jane') }) }),
    ],
    [
      'a plugin that gives a certificate',
      'carl',
      () => ({
        exec: script('gives-cert', {
          clientCertificateData: file('carl.crt'),
          clientKeyData: file('carl.key'),
        }),
      }),
    ],
    [
      'another server name',
      'jane',
      () => ({ token: plane.token('jane') }),
      () => ({ ...cluster(), 'tls-server-name': 'localhost' }),
    ],
    [
      'no check of the server',
      'jane',
      () => ({ token: plane.token('jane') }),
      () => ({ server: plane.url, 'insecure-skip-tls-verify': true }),
    ],
    [
      'a proxy',
      'jane',
      () => ({ token: plane.token('jane') }),
      () => ({ ...cluster(), 'proxy-url': `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` }),
    ],
  ];

  it.each(forms)('%s: %s, to us and to another client', async (what, username, user, of) => {
    const path = write('config', user(), of?.());
    const groups = ['readers', 'system:authenticated'];

    expect(await ask(path)).toEqual({ status: 201, username, groups });
    if (what !== 'a proxy') expect(await askTheirs(path)).toEqual({ username, groups });
    else expect(proxied).toContain(new URL(plane.url).host);
  });

  it('somebody who may acts as somebody else', async () => {
    const path = write('config', {
      token: plane.token('system:admin'),
      as: 'mary',
      'as-groups': ['writers'],
    });

    expect(await ask(path)).toEqual({
      status: 201,
      username: 'mary',
      groups: ['writers', 'system:authenticated'],
    });
  });

  it('a plugin is asked again after its credential was not accepted', async () => {
    const exec = script('rotates', { token: 'no longer good' });
    const connection = loadKubeConnection(process.env, { kubeconfig: write('config', { exec }) });
    const transport = createHttpTransport(connection);
    const status = async () => {
      const answer = await transport.request({ method: 'GET', path: '/api/v1/namespaces', headers: {} });
      for await (const _ of answer.body);
      return answer.status;
    };

    expect(await status()).toBe(401);
    script('rotates', { token: plane.token('system:admin') });
    expect(await status()).toBe(200);
    await transport.close();
  });

  it('a token in a file beside it', async () => {
    writeFileSync(join(folder, 'token'), plane.token('jane'));

    expect(await ask(write('config', { tokenFile: 'token' }))).toMatchObject({ username: 'jane' });
  });

  it('the token of a service account, and the one that takes its place while the client lives', async () => {
    const account = mkdtempSync(join(folder, 'account-'));
    copyFileSync(certificates.ca, join(account, 'ca.crt'));
    writeFileSync(join(account, 'token'), plane.token('jane'));
    const { hostname, port } = new URL(plane.url);
    const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
    const transport = createHttpTransport(loadKubeConnection(env, { account }));
    const jane = { status: 201, username: 'jane', groups: ['readers', 'system:authenticated'] };
    expect(await whoAmI(transport)).toEqual(jane);

    // As the kubelet does it: the file is another one of a sudden.
    writeFileSync(join(account, 'next'), plane.token('mary'));
    renameSync(join(account, 'next'), join(account, 'token'));
    expect(await whoAmI(transport)).toEqual(jane);
    const passed = performance.now() + TOKEN_FILE_MS;
    const later = vi.spyOn(performance, 'now').mockImplementation(() => passed + 1);
    expect(await whoAmI(transport)).toEqual({ ...jane, username: 'mary' });
    later.mockRestore();
    await transport.close();
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
