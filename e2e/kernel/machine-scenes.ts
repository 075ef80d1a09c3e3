// What happens to one machine. Machines are slow and have a processor each: two of these are told at once.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { KERNEL_CLAIM, RESOURCES } from '@kmm-fleet/api';
import { type CertificateFiles, Lie, makeSigningPair } from '@kmm-fleet/lab';
import type { KubeObject } from '@kmm-fleet/runtime';
import { apply, type KernelFleet } from './kernel-fleet.ts';
import {
  BOTH,
  conditionOf,
  has,
  hubIsReady,
  loaded,
  nodesAreReady,
  readyDevicePlugins,
  residence,
  standingOf,
  unloadingsTold,
} from './observe.ts';
import { until } from './patience.ts';

export async function refuseForeignKey(fleet: KernelFleet): Promise<void> {
  await apply(fleet.hub, signingSecrets(await makeSigningPair(fleet.directory, 'somebody-else')));
  await until('the hub tells of the refusal', async () => {
    const { status, message = '' } = (await conditionOf(fleet, 'Degraded')) ?? {};
    return status === 'True' && message.includes('Key was rejected by service');
  });
  assert.deepEqual(await loaded(fleet.secure), []);
  await until('its device plugin has left', async () => (await readyDevicePlugins(fleet, 'secure')) === 0);
  assert.match(
    (await fleet.secure.run('dmesg')).output,
    /Loading of module with unavailable key is rejected/,
  );
}

export async function changeKernel(fleet: KernelFleet): Promise<void> {
  await fleet.plain.restart(fleet.kernels.edge);
  assert.equal((await fleet.plain.run('uname -r')).output, fleet.kernels.edge);
  await until('both modules in the new kernel', async () => has(fleet.plain, BOTH));
}

export async function bringKeyBack(fleet: KernelFleet): Promise<void> {
  await apply(
    fleet.hub,
    fleet.manifests.filter(({ kind }) => kind !== 'ManagedClusterModule'),
  );
  await until('both modules where they were refused', () => has(fleet.secure, BOTH));
}

export async function losePower(fleet: KernelFleet): Promise<void> {
  const before = await standingOf(fleet, 'plain');
  await fleet.plain.restart();
  assert.deepEqual(await loaded(fleet.plain), []);
  await until('both modules again', async () => {
    // What is claimed before and after what is: a module that comes or goes meanwhile is no lie.
    const { boot, counts } = await standingOf(fleet, 'plain');
    // Nobody knows of the reset before the kubelet is back and speaks of its node.
    if (boot === before.boot) return false;
    const modules = await loaded(fleet.plain);
    if (modules.join() === BOTH.join()) return counts;
    if (counts && (await standingOf(fleet, 'plain')).counts)
      throw new Lie(`the node counts as loaded and its kernel has ${modules.join() || 'nothing'}`);
    return false;
  });
}

/** Nothing reaches the machine and nothing comes from it, for longer than a cluster takes to doubt its nodes. */
export async function cutOff(fleet: KernelFleet): Promise<void> {
  const { plain } = fleet;
  const before = await residence(plain);
  const told = await unloadingsTold(fleet, 'plain');
  await plain.setLink(false);
  try {
    await until('the node no longer counts', async () => !(await standingOf(fleet, 'plain')).counts);
    await until('the hub tells of one node, not of two', async () => {
      const { status, message = '' } = (await conditionOf(fleet, 'Ready')) ?? {};
      return status === 'False' && message.includes('1 of 2 nodes have the module');
    });
    assert.equal(await residence(plain), before);
  } finally {
    await plain.setLink(true);
  }
  await until('both nodes are Ready again', () => nodesAreReady(fleet));
  await until('a device plugin on both', async () => (await readyDevicePlugins(fleet)) === 2);
  await until('the hub says so', () => hubIsReady(fleet));
  assert.equal(await residence(plain), before);
  assert.equal(await unloadingsTold(fleet, 'plain'), told);
}

export async function tellInstalled(fleet: KernelFleet): Promise<void> {
  await fleet.operate('installed');
  const claim = { name: KERNEL_CLAIM };
  await fleet.east.delete(RESOURCES.clusterClaim, claim, {});
  await until('the claim again, from a pod', async () => {
    const told = await fleet.east.get(RESOURCES.clusterClaim, claim);
    return (told?.['spec'] as { value?: string } | undefined)?.value === fleet.kernels.edge;
  });
}

/** The Secrets that the demo's module names, with another key pair in them. */
function signingSecrets({ key, cert }: CertificateFiles): KubeObject[] {
  const secret = (name: string, entry: string, path: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: 'openshift-kmm-hub', name },
    data: { [entry]: readFileSync(path).toString('base64') },
  });
  return [secret('my-signing-key', 'key', key), secret('my-signing-key-pub', 'cert', cert)];
}
