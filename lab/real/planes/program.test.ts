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

const ETCD = 'etcd Version: 3.6.1';
const CONTROLLERS = ['kube-controller-manager', 'kube-scheduler'] as const;
const install = (name: string, says: string) =>
  writeFileSync(join(folder, name), `#!/bin/sh\necho '${says}'\n`, { mode: 0o755 });

it('takes the programs of KUBEBUILDER_ASSETS, and builds none that are missing', async () => {
  install('etcd', ETCD);
  install('kube-apiserver', 'Kubernetes v1.31.0');

  const programs = await planePrograms(expect.unreachable);

  expect(programs('kube-apiserver')).toEqual([join(folder, 'kube-apiserver')]);
  expect(programs('kube-scheduler')).toBeUndefined();
});

it.each([
  ['kube-apiserver', 'Kubernetes v1.28.9', 'is Kubernetes v1.28.9; 1.29 or newer is needed'],
  ['kube-apiserver', ETCD, 'is no kube-apiserver: it says "etcd Version: 3.6.1"'],
  ['etcd', 'etcd Version: 3.4.23', 'is etcd Version: 3.4.23; 3.5 or newer is needed'],
  ['etcd', 'etcd Version: 2.9.0', 'is etcd Version: 2.9.0; 3.5 or newer is needed'],
  ['etcd', '', 'is no etcd: it says ""'],
  ...CONTROLLERS.flatMap((part) => [
    [part, 'Kubernetes v1.32.0', `is Kubernetes v1.32.0; beside kube-apiserver 1.31 it must be 1.31 or`],
    [part, 'Kubernetes v1.29.4', `is Kubernetes v1.29.4; beside kube-apiserver 1.31 it must be 1.31 or`],
    [part, 'Kubernetes v2.31.0', `is Kubernetes v2.31.0; beside kube-apiserver 1.31 it must be 1.31 or`],
    [part, ETCD, `is no ${part}: it says "etcd Version: 3.6.1"`],
  ]),
] as [string, string, string][])('refuses a %s that says %j, in one line', async (part, says, words) => {
  install('etcd', ETCD);
  install('kube-apiserver', 'Kubernetes v1.31.0');
  install(part, says);

  const refusal = await planePrograms(() => {}).catch(({ message }: Error) => message);

  expect(refusal).toContain(`${join(folder, part)} ${words}`);
  expect(refusal).not.toContain('\n');
});

it.each(CONTROLLERS)(
  'takes a %s that is as new as kube-apiserver, or one minor version older',
  async (part) => {
    install('etcd', ETCD);
    install('kube-apiserver', 'Kubernetes v1.31.0');
    for (const says of ['Kubernetes v1.31.9', 'Kubernetes v1.30.0']) {
      install(part, says);
      expect((await planePrograms(expect.unreachable))(part)).toEqual([join(folder, part)]);
    }
  },
);

it('names what is missing from the folder', async () => {
  install('kube-apiserver', 'Kubernetes v1.31.0');

  await expect(planePrograms(() => {})).rejects.toThrow(`${folder}, and there is no etcd in it`);
});
