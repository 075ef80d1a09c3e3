import assert from 'node:assert/strict';
import { RESOURCES } from '@kmm-fleet/api';
import { testPair } from '@kmm-fleet/images/testing';
import { allOver, type Guest } from '@kmm-fleet/lab';
import type { KubeObject } from '@kmm-fleet/runtime';
import type { Treatment } from '../loader/scenario.ts';
import { treatModule } from '../loader/treat-module.ts';
import { ageModule } from './guest-loader.ts';
import { apply, type KernelFleet } from './kernel-fleet.ts';
import { conditionOf, eventsOf, guests, NAMESPACE, type NODES, unloadingsTold } from './observe.ts';
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
/** What unloads it outlasts the half minute that a kubelet gives by default, and does nothing. */
const SLOW = 'slow';
const SLOW_MODULE = 'kmm_e2e_two';
const SLOW_REMOVAL = { '/etc/modprobe.d/slow.conf': Buffer.from(`remove ${SLOW_MODULE} sleep 300\n`) };

/**
 * Several modules at once: those that a kernel refuses say why on the hub, and one with a loading order comes and goes
 * in it. One whose hook is cut off is not told as unloaded.
 */
export async function tellRefusals(fleet: KernelFleet, modules: TestModules): Promise<void> {
  const kernel = fleet.kernels.edge;
  const image = `${fleet.bench.address}/kmm-e2e-refused:1`;
  await buildLoaderImage(
    fleet.bench,
    image,
    kernel,
    filesOf(fleet, modules, kernel),
    [...REFUSED.map(({ folder }) => folder).filter((folder) => folder !== NO_DEPMOD), ORDERED, SLOW].map(
      (folder) => `/${folder}`,
    ),
  );
  const on = (node: string, folder: string, modprobe: object) =>
    mcm({ node, folder, image, kernel, modprobe });
  const ordered = on('secure', ORDERED, { moduleName: ORDER[0], modulesLoadingOrder: ORDER });
  const refused = REFUSED.map(({ node, folder }) => on(node, folder, { moduleName: 'kmm_e2e_base' }));
  const slow = on('plain', SLOW, { moduleName: SLOW_MODULE });
  const all = [...refused, ordered];
  await apply(fleet.hub, [slow, ...all]);
  await allOver([tellReasons(fleet, all), tellCutOffHook(fleet)]);
}

async function tellReasons(fleet: KernelFleet, all: readonly KubeObject[]): Promise<void> {
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

  await until('the ordered modules', async () => (await testModulesOn(fleet.secure)).length === ORDER.length);
  // /proc/modules has the newest first.
  assert.deepEqual(await testModulesOn(fleet.secure), ORDER);
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
  assert.deepEqual(await testModulesOn(fleet.secure), []);
  const went = (await fleet.secure.run(`dmesg | sed -n 's/.* \\(kmm_e2e_[a-z]*\\): went$/\\1/p' | tail -n 2`))
    .output;
  assert.deepEqual(went.split('\n'), ORDER);
}

async function tellCutOffHook(fleet: KernelFleet): Promise<void> {
  const { plain } = fleet;
  await until('the hub says so of the slow one', async () => {
    const ready = await conditionOf(fleet, 'Ready', nameOf(SLOW));
    return ready?.status === 'True';
  });
  const told = await unloadingsTold(fleet, plain.name);
  await fleet.hub.delete(RESOURCES.managedClusterModule, { name: nameOf(SLOW) }, {});
  const name = `${NAMESPACE}/${nameOf(SLOW)} `;
  await until('an event of the node says that nobody knows', async () =>
    (await eventsOf(fleet, plain.name, 'ModuleUnloadUnknown')).some(({ message }) =>
      String(message).includes(name),
    ),
  );
  assert.deepEqual(await testModulesOn(plain), [SLOW_MODULE]);
  assert.equal(await unloadingsTold(fleet, plain.name), told);
  assert.equal((await plain.run(`rmmod ${SLOW_MODULE}`)).code, 0);
}

/** Modules of ours in a kernel, newest first. */
async function testModulesOn(guest: Guest): Promise<string[]> {
  const { output } = await guest.run("sed -n 's/^\\(kmm_e2e_[a-z]*\\) .*/\\1/p' /proc/modules");
  return output.split('\n').filter(Boolean);
}

function filesOf({ trusted }: KernelFleet, modules: TestModules, kernel: string): Record<string, Uint8Array> {
  const signers = { trusted, foreign: testPair('stranger') };
  const file = (folder: string, module: string, treatment: Treatment) =>
    [
      `/${folder}/lib/modules/${kernel}/${module}.ko`,
      treatModule(modules.file(module), treatment, signers, ageModule),
    ] as const;
  const modulesOfAll = Object.fromEntries([
    ...REFUSED.map(({ folder, treatment }) => file(folder, 'kmm_e2e_base', treatment)),
    ...ORDER.map((module) => file(ORDERED, module, 'signed')),
    file(SLOW, SLOW_MODULE, 'signed'),
  ]);
  return { ...modulesOfAll, ...SLOW_REMOVAL };
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
