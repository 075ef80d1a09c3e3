import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createKnownSecrets } from './known-secrets.ts';
import { createLineRedactor, REDACTED, redactText } from './redact-text.ts';

/** Low in entropy on purpose: only a rule can find it. */
const SECRET = 'hunter-two';

describe('a secret is hidden where a rule knows it', () => {
  it.each([
    ['a variable', `DB_PASSWORD=${SECRET} ./run`],
    ['a quoted variable', `export API_TOKEN="${SECRET} and more"`],
    ['YAML', `password: ${SECRET}`],
    ['a block of YAML', `a: b\npassword: |\n  ${SECRET}\nc: d`],
    ['YAML below a name', `x:\n  auth:\n    password: ${SECRET}`],
    ['JSON', `{"user":"x","password":"${SECRET}"}`],
    ['JSON in a JSON log line', JSON.stringify({ msg: JSON.stringify({ clientSecret: SECRET }) })],
    ['words in a JSON log line', `{"msg":"login failed, password: ${SECRET}"}`],
    ['a flag with =', `buildah push --registry-token=${SECRET} image`],
    ['a flag and its value', `tool --password ${SECRET} image`],
    ['a flag with a variable in it', `docker build --build-arg=GIT_TOKEN=${SECRET} .`],
    ['a login', `buildah login -u me -p ${SECRET} registry.example`],
    ['curl', `curl -u me:${SECRET} https://example.com`],
    ['a URL', `git clone https://me:${SECRET}@git.example.com/x.git`],
    ['a URL with a token alone', `git clone https://${SECRET}@git.example.com/x.git`],
    ['a query', `GET https://example.com/x?a=1&access_token=${SECRET}&b=2`],
    ['a header', `Authorization: Bearer ${SECRET}`],
    ['a header in JSON', `{"authorization":"Basic ${SECRET}"}`],
    ['a bearer token', `sent bearer ${SECRET}-1`],
    ['a Docker config', `{"auths":{"r.example":{"auth":"${SECRET}"}}}`],
    ['a key', `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----`],
    [
      'a key on one line',
      `key="-----BEGIN RSA PRIVATE KEY-----\\n${SECRET}\\n-----END RSA PRIVATE KEY-----"`,
    ],
    ['a key that is cut off', `-----BEGIN EC PRIVATE KEY-----\n${SECRET}`],
    ['a token of GitHub', `ghp_${SECRET}`],
    ['a token of OpenShift', `sha256~${SECRET}`],
  ])('%s', (_name, text) => {
    const redacted = redactText(text);

    expect(redacted).toContain(REDACTED);
    expect(redacted).not.toContain(SECRET);
  });
});

describe('what helps to find a fault stays', () => {
  it.each([
    '5.14.0-427.13.1.el9_4.x86_64',
    'image registry.example:5000/kmm/my-kmod@sha256:706b11e2c9ab0d2c8fb4ab7d5b0ad0e2a6a5a2f0b6c5d4e3f2a1b0c9d8e7f6a5',
    'pod openshift-kmm/my-kmod-6-1-0-55-cloud-amd64-cce0bcfdaa-x7k2p on node ip-10-0-131-77.eu-west-1.compute.internal',
    'uid 3f2504e0-4f89-11d3-9a0c-0305e82c3301',
    "modprobe: ERROR: could not insert 'kmm_demo_a': Required key not available",
    'kmm_demo: Unknown symbol __x86_indirect_thunk_rax (err -2)',
    'FROM registry.example/driver-toolkit:5.14 as builder',
    'RUN make -C /usr/src/kernels/5.14.0-427.el9.x86_64 M=$PWD KVER=${KERNEL_FULL_VERSION} modules',
    'kmm.node.kubernetes.io/openshift-kmm.my-kmod.ready',
    'managedclustermodules.hub.kmm.sigs.x-k8s.io is forbidden: cannot list resource at the cluster scope',
    'GET /api/v1/namespaces/x/secrets: 403 secrets is forbidden',
    'imageRepoSecret: repo-pull-secret',
    'secretName: signing-key',
    '2026-11-23T21:18:46.123456789Z watch.restarted ManagedClusterConditionAvailable',
    'Condition SecretKeyMissing: rename it',
  ])('%s', (text) => {
    expect(redactText(text)).toBe(text);
  });
});

const ALPHABETS = {
  'base64 and its URL form': 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
  'letters and digits': 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
  'small letters and digits': 'abcdefghijklmnopqrstuvwxyz0123456789',
  hexadecimal: '0123456789abcdef',
};

describe('entropy: a random token of 32 characters is found', () => {
  it.each(Object.entries(ALPHABETS))('%s', (_name, alphabet) => {
    const token = fc.string({ unit: fc.constantFrom(...alphabet.split('')), minLength: 32, maxLength: 64 });
    const tokens = fc.sample(token, { numRuns: 2_000, seed: 7 });
    const missed = tokens.filter((one) => redactText(`it said ${one} twice`).includes(one.slice(4, -4)));

    expect(missed.length).toBeLessThanOrEqual(10);
  });
});

const pieces = fc.array(
  fc.oneof(
    fc.string(),
    fc.constantFrom(
      'password',
      'token',
      '=',
      ': ',
      '"',
      '\\"',
      "'",
      ' ',
      '--',
      '://',
      '@',
      '<redacted>',
      '\n',
    ),
    fc.constantFrom(
      '-----BEGIN KEY-----',
      '-----END KEY-----',
      'Bearer ',
      'authorization',
      'eyJhbGciOiJIUzI1NiJ9',
    ),
  ),
  { maxLength: 12 },
);

it('redacting again changes nothing', () => {
  fc.assert(
    fc.property(pieces, (list) => {
      const once = redactText(list.join(''));
      expect(redactText(once)).toBe(once);
    }),
    { numRuns: 1_000, seed: 1 },
  );
});

it('a value of a Secret is hidden wherever it stands, whatever it looks like', () => {
  const value = fc.string({ minLength: 8, maxLength: 40 }).filter((text) => text.trim().length >= 8);
  fc.assert(
    fc.property(value, fc.string(), fc.string(), (raw, before, after) => {
      const secret = raw.trim();
      const known = createKnownSecrets();
      const data = { whatever: Buffer.from(secret).toString('base64') };
      known.add({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data });
      for (const form of [secret, data.whatever, encodeURIComponent(secret)])
        expect(known.mask(`${before} ${form} ${after}`)).toContain(REDACTED);
      expect(known.mask(`${before}\n${secret}\n`)).not.toContain(secret);
    }),
    { numRuns: 500, seed: 1 },
  );
});

it('a key is hidden over the lines of a log, and the lines after it are not', () => {
  const redactor = createLineRedactor();
  const lines = [
    'start',
    'x -----BEGIN PRIVATE KEY-----',
    SECRET,
    SECRET,
    '-----END PRIVATE KEY-----',
    'end',
  ];

  expect(lines.map((line) => redactor.line(line))).toEqual([
    'start',
    `x ${REDACTED}`,
    undefined,
    undefined,
    '',
    'end',
  ]);
});

describe('no line holds a gather up, however it was made', () => {
  const LENGTH = 65_536;
  it.each([
    ['pairs in pairs', 'a='],
    ['quotes in quotes', '\\"'],
    ['logins', ' login'],
    ['words with dots', 'a.'],
    ['begins of keys', '-----BEGIN X-----'],
    ['flags', ' --a'],
    ['names', 'password '],
    ['base64', 'aB3/'],
    ['schemes', 'bearer '],
    ['JSON', '{"a":'],
    ['blocks', 'a:\n '],
    ['blanks', ' '],
  ])('%s', (_name, part) => {
    const text = part.repeat(LENGTH / part.length);
    const started = performance.now();
    redactText(text);
    redactText(`${text}x=1`);

    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('a secret below many others is hidden', () => {
    expect(redactText(`${'a='.repeat(50)}password=${SECRET}`)).not.toContain(SECRET);
  });
});
