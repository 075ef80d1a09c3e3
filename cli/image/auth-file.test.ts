import { describe, expect, it } from 'vitest';
import { authFiles, findLogin } from './auth-file.ts';

const env = { HOME: '/home/me', XDG_RUNTIME_DIR: '/run/user/1' };
const repository = { registry: 'registry.test', repository: 'team/kmod' };
const login = (key: string, password = 'p') =>
  JSON.stringify({ auths: { [key]: { auth: Buffer.from(`me:${password}`).toString('base64') } } });
const find = (files: Record<string, string>, named?: string, its: Record<string, string> = env) =>
  findLogin(repository, named, its, async (file) => files[file]);

const [PODMAN, CONFIG, DOCKER] = [
  '/run/user/1/containers/auth.json',
  '/home/me/.config/containers/auth.json',
  '/home/me/.docker/config.json',
];

describe('logins are looked for where podman, then docker, keep them', () => {
  it.each<[string, string | undefined, Record<string, string>, string[]]>([
    ['by default', undefined, env, [PODMAN, CONFIG, DOCKER]],
    [
      'with DOCKER_CONFIG',
      undefined,
      { HOME: '/h', DOCKER_CONFIG: '/d' },
      ['/h/.config/containers/auth.json', '/d/config.json'],
    ],
    ['with XDG_CONFIG_HOME', undefined, { XDG_CONFIG_HOME: '/c' }, ['/c/containers/auth.json']],
    ['with REGISTRY_AUTH_FILE, alone', undefined, { ...env, REGISTRY_AUTH_FILE: '/a' }, ['/a']],
    ['with --authfile, alone', '/b', { ...env, REGISTRY_AUTH_FILE: '/a' }, ['/b']],
    ['without a home, nowhere', undefined, {}, []],
  ])('%s', (_name, named, its, expected) => {
    expect(authFiles(named, its)).toEqual(expected);
  });
});

it('takes the first file that holds a login for the repository', async () => {
  const [other, ours, later] = [login('other.test'), login('registry.test/team'), login('registry.test')];

  expect(await find({ [PODMAN]: other, [CONFIG]: ours, [DOCKER]: later })).toBe(ours);
  expect(await find({ [PODMAN]: other })).toBeUndefined();
  expect(await find({})).toBeUndefined();
});

describe('a file that cannot be used is named with the next step, and no password is told', () => {
  it.each([
    ['one that is not there', {}, '/b', /^--authfile: \/b does not exist\. Log in with: podman login/],
    [
      'one that is no JSON',
      { [DOCKER]: '{' },
      undefined,
      /config\.json: The file is no valid .*Log in again/,
    ],
    [
      'a login without a password',
      { [DOCKER]: '{"auths":{"registry.test":{}}}' },
      undefined,
      /config\.json: The entry for registry\.test has neither auth nor .*Log in again/,
    ],
  ])('%s', async (_name, files, named, words) => {
    await expect(find(files, named)).rejects.toThrow(words);
  });
});
