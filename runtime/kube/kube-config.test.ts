import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadKubeConnection } from './kube-config.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** A folder with a kubeconfig and the files that it names. */
function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const config = (cluster: object, user?: object, more: object = {}) =>
  JSON.stringify({
    'current-context': 'x',
    clusters: [{ name: 'c', cluster: { server: 'https://kube:6443', ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', ...(user && { user: 'u' }) } }],
    ...more,
  });

const FILES = {
  'pki/ca.pem': 'the CA',
  'pki/me.pem': 'my cert',
  'pki/me.key': 'my key',
  token: 'from a file\n',
};

async function load(text: string, context?: string) {
  const kubeconfig = join(folderWith({ ...FILES, config: text }), 'config');
  const { token, credentials, ...rest } = await loadKubeConnection({}, { kubeconfig, context });
  return { ...rest, ...(token && { token: token() }), ...(await credentials?.get()) };
}

const ofForms: [string, object, object | undefined, object][] = [
  ['a bare server', {}, undefined, {}],
  ['a CA inline', { 'certificate-authority-data': base64('inline') }, {}, { ca: 'inline' }],
  ['a CA in a file beside it', { 'certificate-authority': 'pki/ca.pem' }, {}, { ca: 'the CA' }],
  [
    'a CA both ways, of which the inline one counts',
    { 'certificate-authority': 'nowhere', 'certificate-authority-data': base64('inline') },
    {},
    { ca: 'inline' },
  ],
  ['no check of the server', { 'insecure-skip-tls-verify': true }, {}, { insecureSkipTlsVerify: true }],
  ['another server name', { 'tls-server-name': 'kube.test' }, {}, { tlsServerName: 'kube.test' }],
  ['a token', {}, { token: 'abc' }, { token: 'abc' }],
  ['a token in a file', {}, { tokenFile: 'token' }, { token: 'from a file' }],
  [
    'a token both ways, of which the inline one counts',
    {},
    { token: 'abc', tokenFile: 'no' },
    { token: 'abc' },
  ],
  [
    'a client certificate inline',
    {},
    { 'client-certificate-data': base64('cert'), 'client-key-data': base64('key') },
    { clientCert: 'cert', clientKey: 'key' },
  ],
  [
    'a client certificate in files',
    {},
    { 'client-certificate': 'pki/me.pem', 'client-key': 'pki/me.key' },
    { clientCert: 'my cert', clientKey: 'my key' },
  ],
];

it.each(ofForms)('understands %s', async (_what, cluster, user, expected) => {
  expect(await load(config(cluster, user))).toEqual({ server: 'https://kube:6443', ...expected });
});

it('acts as somebody else, and logs in with a password', async () => {
  const user = {
    username: 'me',
    password: 'p',
    as: 'them',
    'as-uid': '7',
    'as-groups': ['a', 'b'],
    'as-user-extra': { 'example.com/scope': ['x'] },
  };
  expect(await load(config({}, user))).toEqual({
    server: 'https://kube:6443',
    headers: {
      authorization: `Basic ${base64('me:p')}`,
      'Impersonate-User': 'them',
      'Impersonate-Uid': '7',
      'Impersonate-Group': ['a', 'b'],
      'Impersonate-Extra-example.com%2Fscope': ['x'],
    },
  });
});

it('puts the files of KUBECONFIG together: the first to say something counts, paths are of the file they stand in', async () => {
  const folder = folderWith({
    'one/config': JSON.stringify({
      'current-context': 'x',
      users: [{ name: 'u', user: { tokenFile: 'token' } }],
      clusters: null,
    }),
    'one/token': 'of one',
    'two/config': config(
      { 'certificate-authority': 'ca.pem' },
      { token: 'of two' },
      { 'current-context': 'y' },
    ),
    'two/ca.pem': 'of two',
  });
  const KUBECONFIG = ['one', 'absent', 'two'].map((name) => join(folder, name, 'config')).join(':');
  const { credentials, ...rest } = await loadKubeConnection({ KUBECONFIG });

  expect(rest).toEqual({ server: 'https://kube:6443', ca: 'of two' });
  expect(await credentials?.get()).toEqual({ token: 'of one' });
});

describe('the token of an identity provider', () => {
  const withExpiry = (exp: number) => `h.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.s`;
  const provider = (idToken?: string) =>
    load(config({}, { 'auth-provider': { name: 'oidc', config: idToken ? { 'id-token': idToken } : {} } }));

  it('is shown while it is good', async () => {
    const token = withExpiry(4_000_000_000);
    expect((await provider(token)).token).toBe(token);
  });

  it.each([
    ['has expired', withExpiry(1_000), /id-token of user u .* expired at 1970/],
    ['is missing', undefined, /id-token of user u .* is missing/],
  ])('is asked for when it %s', async (_what, token, words) => {
    await expect(provider(token)).rejects.toThrow(words);
  });
});

it('reads YAML, and takes the context that was asked for', async () => {
  const text = `
current-context: one
clusters:
- {name: c1, cluster: {server: "https://one"}}
- {name: c2, cluster: {server: "https://two"}}
- {name: broken}
contexts:
- {name: one, context: {cluster: c1}}
- {name: two, context: {cluster: c2, namespace: ignored}}
`;

  expect((await load(text)).server).toBe('https://one');
  expect((await load(text, 'two')).server).toBe('https://two');
});

const missing = (list: string) => config({}, {}, { [list]: [] });

it.each<[string, string, string[]]>([
  ['text that is no YAML', '{a: [', ['config', 'cannot be read']],
  ['an empty file', '', ['config', 'cannot be read']],
  ['lists that are none', '{"clusters": 1}', ['config', 'clusters']],
  ['no current context', config({}, {}, { 'current-context': '' }), ['current-context', 'x']],
  ['a context that is not there', config({}, {}, { 'current-context': 'y' }), ['context "y"', 'x']],
  ['a cluster that is not there', missing('clusters'), ['cluster "c"']],
  ['a user who is not there', missing('users'), ['user "u"']],
  ['a server that is no address', config({ server: 'kube:6443' }), ['server', 'kube:6443', 'https://']],
  [
    'a CA file that is not there',
    config({ 'certificate-authority': 'no.pem' }),
    ['certificate-authority', 'no.pem'],
  ],
  [
    'a key file that is not there',
    config({}, { 'client-certificate': 'pki/me.pem', 'client-key': 'no.key' }),
    ['client-key', 'no.key'],
  ],
  [
    'a certificate without its key',
    config({}, { 'client-certificate': 'pki/me.pem' }),
    ['user "u"', 'client-key'],
  ],
  ['a plugin of no version', config({}, { exec: { command: 'login' } }), ['"u"', 'exec.apiVersion']],
  ['an old plugin', config({}, { 'auth-provider': { name: 'gcp' } }), ['auth-provider gcp', 'Use exec']],
  ['a proxy that is none', config({ 'proxy-url': 'socks5://p' }), ['proxy-url', 'https://']],
])('says what is wrong with %s, and in which file', async (_what, text, words) => {
  const folder = folderWith({ ...FILES, config: text });
  const kubeconfig = join(folder, 'config');
  const attempt = () => loadKubeConnection({}, { kubeconfig });

  for (const word of [kubeconfig, ...words]) await expect(attempt()).rejects.toThrow(word);
});

it('does not quote a broken file, in which there may be a token', async () => {
  const kubeconfig = join(folderWith({ config: 'users:\n- {token: s3cret, [' }), 'config');

  const error: unknown = await loadKubeConnection({}, { kubeconfig }).catch((failure: unknown) => failure);

  expect(inspect(error)).toContain('cannot be read');
  expect(inspect(error)).not.toContain('s3cret');
});

it('takes the file that was given, or the first of KUBECONFIG that exists', async () => {
  const named = (server: string) => config({ server: `https://${server}` });
  const folder = folderWith({ given: named('given'), listed: named('listed') });
  const KUBECONFIG = ['absent', 'listed', 'given'].map((name) => join(folder, name)).join(':');

  const given = await loadKubeConnection({ KUBECONFIG }, { kubeconfig: join(folder, 'given') });
  expect(given.server).toBe('https://given');
  expect((await loadKubeConnection({ KUBECONFIG })).server).toBe('https://listed');
  const absent = loadKubeConnection({ KUBECONFIG: join(folder, 'absent') });
  await expect(absent).rejects.toThrow(/absent does not exist/);
});

it.each([
  ['10.0.0.1', 'https://10.0.0.1:6443'],
  ['fd00::1', 'https://[fd00::1]:6443'],
])('takes the service account in a pod (%s)', async (host, server) => {
  const account = folderWith({ token: 'pod\n', 'ca.crt': 'the CA' });
  const env = { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: '6443' };
  const { credentials, ...rest } = await loadKubeConnection(env, { account, home: account });

  expect(rest).toEqual({ server, ca: 'the CA' });
  expect(await credentials?.get()).toEqual({ token: 'pod' });
});

it('takes the file at home outside of a pod, and says what to do without one', async () => {
  const home = folderWith({ '.kube/config': config({}) });
  const nowhere = join(home, 'nowhere');

  expect((await loadKubeConnection({}, { home })).server).toBe('https://kube:6443');
  await expect(loadKubeConnection({}, { home: nowhere, account: nowhere })).rejects.toThrow(/Set KUBECONFIG/);
});
