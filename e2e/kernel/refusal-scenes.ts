import assert from 'node:assert/strict';
import { RESOURCES } from '@kmm-fleet/api';
import { testPair } from '@kmm-fleet/images/testing';
import type { KubeObject } from '@kmm-fleet/runtime';
import type { Treatment } from '../loader/scenario.ts';
import { treatModule } from '../loader/treat-module.ts';
import { ageModule } from './guest-loader.ts';
import { apply, type KernelFleet } from './kernel-fleet.ts';
import { conditionOf, guests, NAMESPACE, type NODES } from './observe.ts';
import { until } from './patience.ts';
import { buildLoaderImage, type TestModules } from './test-modules.ts';

/**
 * What kernels refuse, each in a folder of one image, and the words that must reach the hub. Only `secure` asks for
 * signatures; each machine has its share.
 */
const REFUSED: readonly Refusal[] = [
  { folder: 'unsigned', node: 'secure', treatment: 'unsigned', words: 'Key was rejected by service' },
  { folder: 'tampered', node: 'secure', treatment: 'tampered', words: 'Key was rejected by service' },
  { folder: 'other-linux', node: 'plain', treatment: 'other version', words: 'Exec format error' },
  { folder: 'no-depmod', node: 'plain', treatment: 'signed', words: 'has no modules.dep' },
];

interface Refusal {
  readonly folder: string;
  readonly node: (typeof NODES)[number];
  readonly treatment: Treatment;
  readonly words: string;
}

const NO_DEPMOD = 'no-depmod';
const ORDER = ['kmm_e2e_one', 'kmm_e2e_two'] as const;
const ORDERED = 'ordered';

/**
 * Several modules at once: those that a kernel refuses say why on the hub, and one with a loading order comes and goes
 * in it.
 */
export async function tellRefusals(fleet: KernelFleet, modules: TestModules): Promise<void> {
  const kernel = fleet.kernels.edge;
  const image = `${fleet.bench.address}/kmm-e2e-refused:1`;
  await buildLoaderImage(
    fleet.bench,
    image,
    kernel,
    filesOf(fleet, modules, kernel),
    [...REFUSED.map(({ folder }) => folder).filter((folder) => folder !== NO_DEPMOD), ORDERED].map(
      (folder) => `/${folder}`,
    ),
  );
  const on = (node: string, folder: string, modprobe: object) =>
    mcm({ node, folder, image, kernel, modprobe });
  const ordered = on('secure', ORDERED, { moduleName: ORDER[0], modulesLoadingOrder: ORDER });
  const refused = REFUSED.map(({ node, folder }) => on(node, folder, { moduleName: 'kmm_e2e_base' }));
  const all = [...refused, ordered];
  await apply(fleet.hub, all);

  for (const { folder, words } of REFUSED)
    await until(`the hub tells of ${folder}`, async () => {
      const { status, message = '' } = (await conditionOf(fleet, 'Degraded', nameOf(folder))) ?? {};
      return status === 'True' && message.includes(words);
    });
  const [unsigned, otherLinux] = await Promise.all(
    [fleet.secure, fleet.plain].map(async (guest) => (await guest.run('dmesg')).output),
  );
  assert.match(unsigned ?? '', /Loading of unsigned module is rejected/);
  assert.match(otherLinux ?? '', /kmm_e2e_base: disagrees about version of symbol module_layout/);
  for (const guest of guests(fleet))
    assert.equal((await guest.run('test -d /sys/module/kmm_e2e_base')).code, 1);

  await until('the ordered modules', async () => (await testModulesOn(fleet)).length === ORDER.length);
  // /proc/modules has the newest first.
  assert.deepEqual(await testModulesOn(fleet), ORDER);
  await until('the hub says so', async () => {
    const ready = await conditionOf(fleet, 'Ready', nameOf(ORDERED));
    return ready?.status === 'True';
  });
  for (const { metadata } of all) await fleet.hub.delete(RESOURCES.managedClusterModule, metadata, {});
  for (const { metadata } of all)
    await until(`no Module ${metadata.name}`, async () => {
      const key = { namespace: NAMESPACE, name: metadata.name };
      return !(await fleet.east.get(RESOURCES.module, key));
    });
  assert.deepEqual(await testModulesOn(fleet), []);
  const went = (await fleet.secure.run(`dmesg | sed -n 's/.* \\(kmm_e2e_[a-z]*\\): went$/\\1/p' | tail -n 2`))
    .output;
  assert.deepEqual(went.split('\n'), ORDER);
}

/** Modules of ours in the kernel of `secure`, newest first. */
async function testModulesOn({ secure }: KernelFleet): Promise<string[]> {
  const { output } = await secure.run("sed -n 's/^\\(kmm_e2e_[a-z]*\\) .*/\\1/p' /proc/modules");
  return output.split('\n').filter(Boolean);
}

function filesOf({ trusted }: KernelFleet, modules: TestModules, kernel: string): Record<string, Uint8Array> {
  const signers = { trusted, foreign: testPair('stranger') };
  const file = (folder: string, module: string, treatment: Treatment) =>
    [
      `/${folder}/lib/modules/${kernel}/${module}.ko`,
      treatModule(modules.file(module), treatment, signers, ageModule),
    ] as const;
  return Object.fromEntries([
    ...REFUSED.map(({ folder, treatment }) => file(folder, 'kmm_e2e_base', treatment)),
    ...ORDER.map((module) => file(ORDERED, module, 'signed')),
  ]);
}

const nameOf = (folder: string) => `e2e-${folder}`;

interface Refusable {
  readonly node: string;
  readonly folder: string;
  readonly image: string;
  readonly kernel: string;
  readonly modprobe: object;
}

function mcm({ node, folder, image, kernel, modprobe }: Refusable): KubeObject {
  return {
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ManagedClusterModule',
    metadata: { name: nameOf(folder) },
    spec: {
      spokeNamespace: NAMESPACE,
      selector: { 'wants-my-mcm': 'true' },
      moduleSpec: {
        selector: { 'kubernetes.io/hostname': node },
        imageRepoSecret: { name: 'repo-pull-secret' },
        moduleLoader: {
          container: {
            modprobe: { dirName: `/${folder}`, ...modprobe },
            kernelMappings: [{ literal: kernel, containerImage: image }],
          },
        },
      },
    },
  };
}
