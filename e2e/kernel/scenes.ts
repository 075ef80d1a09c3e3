import assert from 'node:assert/strict';
import { type ManagedClusterModule, RESOURCES } from '@kmm-fleet/api';
import { allOver, type Guest } from '@kmm-fleet/lab';
import { CORE, type KubeObject, listAll } from '@kmm-fleet/runtime';
import { heldBy } from '../loader/kmod-words.ts';
import { apply, type KernelFleet } from './kernel-fleet.ts';
import { bringKeyBack, changeKernel, losePower, refuseForeignKey } from './machine-scenes.ts';
import {
  BOTH,
  eachHas,
  guests,
  hubIsReady,
  loaded,
  MCM,
  NAMESPACE,
  NODES,
  nodesAreReady,
  readyDevicePlugins,
  unloadingsTold,
} from './observe.ts';
import { until } from './patience.ts';

/** One step of the story on real kernels; what it claims is read from the machines' own kernels. */
export interface KernelScene {
  readonly title: string;
  run(fleet: KernelFleet): Promise<void>;
  /** What to look at afterwards: a machine, and a command in it. */
  readonly look: readonly (readonly [(typeof NODES)[number], string])[];
}

const MODULES = 'grep kmm_demo /proc/modules';
/** A module of the kernel's own, which the demo's have no quarrel with. */
const IN_TREE = 'dummy';

export const KERNEL_SCENES: readonly KernelScene[] = [
  {
    title: 'Machines join the cluster as nodes',
    look: [
      ['plain', 'uname -r'],
      ['secure', 'uname -r; cat /sys/kernel/security/lockdown'],
    ],
    async run(fleet) {
      await until('both nodes are Ready', () => nodesAreReady(fleet));
      const labels = { 'node-wants-my-mcm': 'true' };
      for (const name of NODES)
        await fleet.east.mergePatch(CORE.node, { name }, { metadata: { labels } }, {});
      assert.equal((await fleet.plain.run('uname -r')).output, fleet.kernels.common);
      assert.match((await fleet.secure.run('cat /sys/kernel/security/lockdown')).output, /\[integrity\]/);
    },
  },
  {
    title:
      'A module built and signed on the hub takes the place of an in-tree one, with its parameters, dependency and firmware',
    look: [
      ['plain', `${MODULES}; lsmod | grep -c ${IN_TREE}`],
      ['secure', `${MODULES}; dmesg | grep kmm_demo | tail -4`],
    ],
    async run(fleet) {
      for (const guest of guests(fleet))
        assert.equal((await guest.run(`modprobe ${IN_TREE} && test -d /sys/module/${IN_TREE}`)).code, 0);
      await apply(fleet.hub, fleet.manifests.map(removingInTree));
      const labels = { 'wants-my-mcm': 'true' };
      await fleet.hub.mergePatch(RESOURCES.managedCluster, { name: 'east' }, { metadata: { labels } }, {});
      await until('both modules in both kernels', () => eachHas(fleet, BOTH));
      for (const guest of guests(fleet)) {
        const site = await guest.run('cat /sys/module/kmm_demo_b/parameters/site');
        assert.equal(site.output, 'fleet');
        const { output } = await guest.run('dmesg | grep kmm_demo');
        assert.match(output, /kmm_demo_a: firmware of \d+ bytes/);
        assert.match(output, /kmm_demo_b: fleet scales 14 to 42/);
        assert.equal((await guest.run(`test -d /sys/module/${IN_TREE}`)).code, 1);
      }
      await until('the hub says so', () => hubIsReady(fleet));
      assert.equal(await readyDevicePlugins(fleet), 2);
    },
  },
  {
    title:
      'A module signed by somebody else is refused under Secure Boot, and the hub says so in modprobe’s words; a machine that starts with another kernel meanwhile gets the module of that kernel',
    look: [
      ['secure', 'dmesg | tail -1'],
      ['plain', `uname -r; ${MODULES}`],
    ],
    async run(fleet) {
      await allOver([refuseForeignKey(fleet), changeKernel(fleet)]);
    },
  },
  {
    title:
      'With the right key back it is loaded where it was refused; a machine that lost its power meanwhile counts as loaded only when it has it again',
    look: [
      ['secure', MODULES],
      ['plain', `cat /proc/uptime; ${MODULES}`],
    ],
    async run(fleet) {
      await allOver([bringKeyBack(fleet), losePower(fleet)]);
      await until('both modules in both kernels', () => eachHas(fleet, BOTH));
      await until('the hub says so', () => hubIsReady(fleet));
    },
  },
  {
    title:
      'What is gone from the hub is gone from the kernels, but for what somebody uses; the in-tree module stays away until it is put back',
    look: [
      ['plain', MODULES],
      ['secure', `${MODULES}; ls /var/lib/firmware`],
    ],
    async run(fleet) {
      const user = '(sleep 900 </dev/kmm_demo >/dev/null 2>&1 &); sleep 1; ls /dev/kmm_demo';
      assert.equal((await fleet.plain.run(user)).output, '/dev/kmm_demo');
      const told = () => Promise.all(NODES.map((name) => unloadingsTold(fleet, name)));
      const [plain, secure] = await told();
      await fleet.hub.delete(RESOURCES.managedClusterModule, { name: MCM }, {});
      const module = { namespace: NAMESPACE, name: MCM };
      await until('no Module', async () => !(await fleet.east.get(RESOURCES.module, module)));
      assert.equal(await readyDevicePlugins(fleet), 0);
      await until('no module that nobody uses', async () => (await loaded(fleet.secure)).length === 0);
      assert.equal((await fleet.secure.run('ls /var/lib/firmware')).output, '');
      assert.deepEqual(await loaded(fleet.plain), BOTH);
      const held = ['Module kmm_demo_b is in use.', ...heldBy('kmm_demo_b', 1, [])].join('\n');
      await until('an event of the node tells why, and who holds it', async () =>
        (await listAll(fleet.east, CORE.event)).some(
          ({ reason, message }) => reason === 'ModuleNotUnloaded' && String(message).includes(held),
        ),
      );
      await until('an event of the other one', async () => (await told())[1] === Number(secure) + 1);
      assert.equal((await told())[0], plain);
      await putInTreeBack(fleet.secure);
    },
  },
];

/** As docs/faq.md says that an administrator does it: nothing of ours is there any more that could. */
async function putInTreeBack(guest: Guest): Promise<void> {
  const isLoaded = async () => (await guest.run(`grep -q '^${IN_TREE} ' /proc/modules`)).code === 0;
  assert.equal(await isLoaded(), false);
  assert.equal((await guest.run(`modprobe ${IN_TREE}`)).code, 0);
  assert.equal(await isLoaded(), true);
  // What is told next begins without it.
  assert.equal((await guest.run(`modprobe -r ${IN_TREE}`)).code, 0);
}

function removingInTree(object: KubeObject): KubeObject {
  if (object.kind !== 'ManagedClusterModule') return object;
  const changed = structuredClone(object) as unknown as ManagedClusterModule;
  Object.assign(changed.spec.moduleSpec.moduleLoader?.container ?? {}, { inTreeModulesToRemove: [IN_TREE] });
  return changed as unknown as KubeObject;
}
