import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { planePrograms } from './program.ts';
import { startPlane } from './start-plane.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kmm-kind-'));
  writeFileSync(join(folder, 'ca.crt'), 'an authority');
  vi.stubEnv('KMM_PLANES', 'kind');
  vi.stubEnv('PATH', `${folder}:/usr/bin:/bin`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** Puts a program on the PATH that writes down how it was called. */
const install = (name: string, then = '') =>
  writeFileSync(join(folder, name), `#!/bin/sh\necho "${name} $1" >> ${folder}/calls\n${then}\n`, {
    mode: 0o755,
  });
const calls = () => readFileSync(join(folder, 'calls'), 'utf8').trimEnd().split('\n');
const start = async () => {
  const path = (name: string) => join(folder, name);
  const certificates = {
    ca: path('ca.crt'),
    caKey: path('ca.key'),
    server: { cert: path('server.crt'), key: path('server.key') },
  };
  const programs = await planePrograms(expect.unreachable);
  return startPlane({
    name: 'hub',
    directory: folder,
    programs,
    certificates,
    users: [{ name: 'somebody' }],
  });
};

it('a plane of kind has the users it was asked for, and is deleted when it is stopped', async () => {
  install('kind');
  install('kubectl');

  const plane = await start();
  const users = readFileSync(join(folder, 'hub', 'users.csv'), 'utf8');
  await plane.stop();

  expect(users).toContain(`${plane.token('somebody')},somebody,somebody,`);
  expect(plane.connection('somebody')).toMatchObject({ server: plane.url, ca: 'an authority' });
  expect(calls()).toEqual([
    ...['kind delete', 'kind create'],
    ...Array(2).fill(`kubectl --kubeconfig=${folder}/hub/kind.kubeconfig`),
    'kind delete',
  ]);
  await expect(plane.compact()).rejects.toThrow('use KMM_PLANES=real');
});

it('one that cannot be started says so in the words of kind, and leaves no container behind', async () => {
  install('kind', '[ "$1" != create ] || { echo "port is already allocated" >&2; exit 1; }');
  install('kubectl');

  await expect(start()).rejects.toThrow(/^kind create cluster .* exited with 1\nport is already allocated/);
  expect(calls()).toEqual(['kind delete', 'kind create', 'kind delete']);
});

it('without kind it says what is missing, and a provider that does not exist is refused', async () => {
  await expect(start()).rejects.toThrow('KMM_PLANES is kind, and there is no kind on the PATH.');
  vi.stubEnv('KMM_PLANES', 'minikube');
  await expect(start()).rejects.toThrow('KMM_PLANES is "minikube"; it can be real or kind.');
});
