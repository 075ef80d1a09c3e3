import { expect, it } from 'vitest';
import { authFile, credentialsFor } from './credentials.ts';

const encoded = (text: string) => Buffer.from(text).toString('base64');
const config = (auths: unknown) => JSON.stringify({ auths });

it('takes the entry with the longest prefix of whole path segments', () => {
  const text = config({
    'r.test': { username: 'host', password: 'p' },
    'r.test/team': { username: 'team', password: 'p' },
    'r.test/team/kmod-old': { username: 'old', password: 'p' },
  });

  expect(credentialsFor(text, 'r.test', 'team/kmod')?.username).toBe('team');
  expect(credentialsFor(text, 'r.test', 'teams/kmod')?.username).toBe('host');
  expect(credentialsFor(text, 'r.test.evil', 'team/kmod')).toBeUndefined();
});

it.each(['docker.io', 'https://index.docker.io/v1/', 'registry-1.docker.io'])(
  'knows docker.io as %s',
  (key) => {
    const text = config({ [key]: { auth: encoded('me:a:b') } });

    expect(credentialsFor(text, 'docker.io', 'library/x')).toEqual({ username: 'me', password: 'a:b' });
  },
);

it.each([
  ['no JSON', '{'],
  ['a list', '[]'],
  ['an entry without a login', config({ 'r.test': {} })],
  ['an entry with an identity token', config({ 'r.test': { identitytoken: 't0ken' } })],
  ['an entry without a colon', config({ 'r.test': { auth: encoded('s3cret') } })],
])('refuses %s as REGISTRY_UNAUTHORIZED, without showing it', (_name, text) => {
  const read = () => credentialsFor(text, 'r.test', 'x');

  expect(read).toThrow(expect.objectContaining({ code: 'REGISTRY_UNAUTHORIZED' }));
  expect(read).not.toThrow(/s3cret|t0ken/);
});

it('gives other tools each login in the one form that they read', () => {
  const auth = encoded('kmm:s3cret');
  const text = config({ 'a.test': { username: 'kmm', password: 's3cret' }, 'b.test': { auth } });

  expect(JSON.parse(authFile(text))).toEqual({ auths: { 'a.test': { auth }, 'b.test': { auth } } });
  expect(authFile('{}')).toBe('{"auths":{}}');
  expect(() => authFile('{')).toThrow(expect.objectContaining({ code: 'REGISTRY_UNAUTHORIZED' }));
});
