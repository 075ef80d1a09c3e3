import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { planePrograms } from './program.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kmm-assets-'));
  vi.stubEnv('KUBEBUILDER_ASSETS', folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const install = (name: string, says: string) =>
  writeFileSync(join(folder, name), `#!/bin/sh\necho '${says}'\n`, { mode: 0o755 });

it('takes the programs of KUBEBUILDER_ASSETS, and builds none that are missing', async () => {
  install('etcd', '');
  install('kube-apiserver', 'Kubernetes v1.31.0');

  const programs = await planePrograms(expect.unreachable);

  expect(programs('kube-apiserver')).toEqual([join(folder, 'kube-apiserver')]);
  expect(programs('kube-scheduler')).toBeUndefined();
});

it.each([
  ['Kubernetes v1.28.9', 'is Kubernetes v1.28.9; 1.29 or newer is needed'],
  ['etcd Version: 3.6.1', 'is no kube-apiserver: it says "etcd Version: 3.6.1"'],
])('refuses a kube-apiserver that says %j, in one line', async (says, words) => {
  install('etcd', '');
  install('kube-apiserver', says);

  const refusal = await planePrograms(() => {}).catch(({ message }: Error) => message);

  expect(refusal).toContain(`${join(folder, 'kube-apiserver')} ${words}`);
  expect(refusal).not.toContain('\n');
});

it('names what is missing from the folder', async () => {
  install('kube-apiserver', 'Kubernetes v1.31.0');

  await expect(planePrograms(() => {})).rejects.toThrow(`${folder}, and there is no etcd in it`);
});
