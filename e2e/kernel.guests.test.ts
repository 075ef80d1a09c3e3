import { isTrue, LABELS, type ManagedClusterModule, type Module, RESOURCES } from '@kmm-fleet/api';
import type { Guest } from '@kmm-fleet/lab';
import { CORE, type KubeObject, listAll } from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apply, type KernelFleet, startKernelFleet } from './kernel/kernel-fleet.ts';

const MCM = 'my-mcm';
const NAMESPACE = 'openshift-kmm';
const BOTH = ['kmm_demo_a', 'kmm_demo_b'];
const PATIENCE_MS = 150_000;
const PAUSE_MS = 250;

/** Modules of ours in the machine's kernel, as the kernel says. */
async function loaded(guest: Guest): Promise<string[]> {
  const { output } = await guest.run("sed -n 's/^\\(kmm_demo_[a-z]*\\) .*/\\1/p' /proc/modules | sort");
  return output.split('\n').filter(Boolean);
}

async function until(what: string, seen: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  let last: unknown;
  const look = () => seen().catch((error: unknown) => void (last = error));
  while (!(await look())) {
    if (Date.now() > end) throw new Error(`${what}: not seen in ${PATIENCE_MS / 1_000} s`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

describe('on real kernels', () => {
  let fleet: KernelFleet;
  beforeAll(async () => {
    fleet = await startKernelFleet(() => {});
  });
  afterAll(() => fleet?.stop());

  const guests = () => [fleet.plain, fleet.secure];
  const eachHas = async (modules: readonly string[]) => {
    const all = await Promise.all(guests().map(loaded));
    return all.every((found) => found.join() === modules.join());
  };
  const mcm = async () =>
    (await fleet.hub.get(RESOURCES.managedClusterModule, { name: MCM })) as unknown as ManagedClusterModule;
  const module = async () =>
    (await fleet.east.get(RESOURCES.module, { namespace: NAMESPACE, name: MCM })) as unknown as Module;
  const nodeOf = async (name: string) => (await fleet.east.get(CORE.node, { name })) as KubeObject;
  const isReady = (node: KubeObject | undefined) =>
    isTrue((node?.['status'] as { conditions?: { type: string; status: string }[] })?.conditions, 'Ready');

  it('machines join the cluster as nodes, and the hub learns their kernels', async () => {
    await until('both nodes are Ready', async () => {
      const nodes = await Promise.all(['plain', 'secure'].map(nodeOf));
      return nodes.every(isReady);
    });
    for (const name of ['plain', 'secure'])
      await fleet.east.mergePatch(
        CORE.node,
        { name },
        { metadata: { labels: { 'node-wants-my-mcm': 'true' } } },
        {},
      );
    expect((await fleet.plain.run('uname -r')).output).toBe(fleet.kernels.common);
    expect((await fleet.secure.run('cat /sys/kernel/security/lockdown')).output).toContain('[integrity]');
  });

  it('a module built and signed on the hub is in both kernels, with its parameters, dependency and firmware', async () => {
    await apply(fleet.hub, fleet.manifests);
    await fleet.hub.mergePatch(
      RESOURCES.managedCluster,
      { name: 'east' },
      { metadata: { labels: { 'wants-my-mcm': 'true' } } },
      {},
    );

    await until('both modules in both kernels', () => eachHas(BOTH));
    for (const guest of guests()) {
      expect((await guest.run('cat /sys/module/kmm_demo_b/parameters/site')).output).toBe('fleet');
      const { output } = await guest.run('dmesg | grep kmm_demo');
      expect(output).toMatch(/kmm_demo_a: firmware of \d+ bytes/);
      expect(output).toContain('kmm_demo_b: fleet scales 14 to 42');
    }
    await until('the hub says so', async () => isTrue((await mcm())?.status?.conditions, 'Ready'));
  });

  it('the device plugin follows', async () => {
    await until('a device plugin on each node', async () => {
      const pods = await listAll(fleet.east, CORE.pod, { labelSelector: `${LABELS.role}=device-plugin` });
      const ready = pods.filter((pod) => isReady(pod));
      return ready.length === 2;
    });
  });

  it('a machine that is reset loads it again', async () => {
    await fleet.plain.reset();
    expect(await loaded(fleet.plain)).toEqual([]);
    await until('both modules again', () => eachHas(BOTH));
  });

  it('a machine that starts with another kernel gets the module of that kernel', async () => {
    await fleet.plain.restartWith(fleet.kernels.edge);
    expect((await fleet.plain.run('uname -r')).output).toBe(fleet.kernels.edge);
    await until('both modules in the new kernel', () => eachHas(BOTH));
  });

  it('what is gone from the hub is gone from the kernels', async () => {
    await fleet.hub.delete(RESOURCES.managedClusterModule, { name: MCM }, {});
    await until('no module in any kernel', () => eachHas([]));
    for (const guest of guests()) expect((await guest.run('ls /var/lib/firmware')).output).toBe('');
    await until('no Module on the cluster', async () => (await module()) === undefined);
  });
});
