import { readFileSync } from 'node:fs';
import { isTrue, LABELS, type ManagedClusterModule, type Module, RESOURCES } from '@kmm-fleet/api';
import { type CertificateFiles, type Guest, makeSigningPair } from '@kmm-fleet/lab';
import { CORE, type KubeObject, listAll } from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apply, type KernelFleet, startKernelFleet } from './kernel/kernel-fleet.ts';

const MCM = 'my-mcm';
const NAMESPACE = 'openshift-kmm';
const BOTH = ['kmm_demo_a', 'kmm_demo_b'];
/** Ten times what it takes on a machine with nothing else to do: kernels are emulated. */
const PATIENCE_MS = 300_000;
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
  const condition = async (wanted: string) =>
    (await mcm())?.status?.conditions?.find(({ type }) => type === wanted);
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

  it('a module signed by somebody else is refused by the kernel that checks, and the hub says so in its words', async () => {
    const other = await makeSigningPair(fleet.directory, 'somebody-else');
    await apply(fleet.hub, signingSecrets(other));
    await until('the hub tells of the refusal', async () => {
      const { status, message = '' } = (await condition('Degraded')) ?? {};
      return status === 'True' && message.includes('Key was rejected by service');
    });
    expect(await loaded(fleet.secure)).toEqual([]);
    expect((await fleet.secure.run('dmesg | grep -c "unavailable key"')).output).not.toBe('0');
    // It has no keys to check with.
    await until('the plain kernel takes it', async () => (await loaded(fleet.plain)).join() === BOTH.join());
  });

  it('an in-tree module makes room when the right key is back', async () => {
    for (const guest of guests()) await guest.run('modprobe dummy');
    const container = { inTreeModulesToRemove: ['dummy'] };
    await apply(
      fleet.hub,
      fleet.manifests.filter(({ kind }) => kind !== 'ManagedClusterModule'),
    );
    await fleet.hub.mergePatch(
      RESOURCES.managedClusterModule,
      { name: MCM },
      { spec: { moduleSpec: { moduleLoader: { container } } } },
      {},
    );
    await until('both modules in both kernels', () => eachHas(BOTH));
    for (const guest of guests())
      await until('dummy has gone', async () => (await guest.run('test -d /sys/module/dummy')).code === 1);
    await until('the hub says so', async () => isTrue((await mcm())?.status?.conditions, 'Ready'));
  });

  it('what is gone from the hub is gone from the kernels, but for what somebody uses', async () => {
    const name = (
      await fleet.plain.run('(sleep 900 </dev/kmm_demo >/dev/null 2>&1 &); sleep 1; ls /dev/kmm_demo')
    ).output;
    expect(name).toBe('/dev/kmm_demo');
    await fleet.hub.delete(RESOURCES.managedClusterModule, { name: MCM }, {});
    await until('no Module on the cluster', async () => (await module()) === undefined);
    await until(
      'no module in the kernel that nobody uses',
      async () => (await loaded(fleet.secure)).length === 0,
    );
    expect((await fleet.secure.run('ls /var/lib/firmware')).output).toBe('');
    expect(await loaded(fleet.plain)).toEqual(BOTH);
    await until('an event of the node tells why', async () => {
      const events = await listAll(fleet.east, CORE.event);
      return events.some(
        (event) =>
          event['reason'] === 'ModuleNotUnloaded' &&
          String(event['message']).includes('kmm_demo_b is in use'),
      );
    });
  });
});

/** The Secrets that the demo's module names, with another key pair in them. */
function signingSecrets({ key, cert }: CertificateFiles): KubeObject[] {
  const secret = (name: string, data: Record<string, string>) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: 'openshift-kmm-hub', name },
    data: Object.fromEntries(
      Object.entries(data).map(([entry, path]) => [entry, readFileSync(path).toString('base64')]),
    ),
  });
  return [secret('my-signing-key', { key }), secret('my-signing-key-pub', { cert })];
}
