import { isTrue, LABELS, type ManagedClusterModule, RESOURCES, readyLabel } from '@kmm-fleet/api';
import type { Guest } from '@kmm-fleet/lab';
import { CORE, type KubeObject, listAll, type ResourceType } from '@kmm-fleet/runtime';
import type { KernelFleet } from './kernel-fleet.ts';

export const MCM = 'my-mcm';
export const NAMESPACE = 'openshift-kmm';
/** The demo's modules, as /proc/modules names them. */
export const BOTH = ['kmm_demo_a', 'kmm_demo_b'];
export const NODES = ['plain', 'secure'] as const;

export const guests = ({ plain, secure }: KernelFleet): Guest[] => [plain, secure];

/** The machine's shell does it alone: starting programs costs a machine without hardware help dear. */
const LOADED = 'cd /sys/module; for module in kmm_demo_*; do [ ! -d $module ] || echo $module; done';

/** Modules of the demo in the machine's kernel, as the kernel says. */
export async function loaded(guest: Guest): Promise<string[]> {
  const { output } = await guest.run(LOADED);
  return output.split('\n').filter(Boolean);
}

export async function has(guest: Guest, modules: readonly string[]): Promise<boolean> {
  return (await loaded(guest)).join() === modules.join();
}

export async function eachHas(fleet: KernelFleet, modules: readonly string[]): Promise<boolean> {
  const all = await Promise.all(guests(fleet).map((guest) => has(guest, modules)));
  return all.every(Boolean);
}

export async function conditionOf({ hub }: KernelFleet, wanted: string, name = MCM) {
  const mcm = await hub.get(RESOURCES.managedClusterModule, { name });
  const { status } = (mcm ?? {}) as unknown as Partial<ManagedClusterModule>;
  return status?.conditions?.find(({ type }) => type === wanted);
}

export const hubIsReady = async (fleet: KernelFleet): Promise<boolean> =>
  (await conditionOf(fleet, 'Ready'))?.status === 'True';

export async function nodesAreReady({ east }: KernelFleet): Promise<boolean> {
  const nodes = await Promise.all(NODES.map((name) => east.get(CORE.node, { name })));
  return nodes.every(isReady);
}

/** What tells one loading of a module from the next: sysfs gives each a number of its own, and modules say that they come. */
export async function residence(guest: Guest): Promise<string> {
  const { output } = await guest.run(
    `stat -c '%n %i' ${BOTH.map((module) => `/sys/module/${module}`).join(' ')}; dmesg | grep -c kmm_demo`,
  );
  return output;
}

/** How often a node was said to have unloaded a module. */
export async function unloadingsTold(fleet: KernelFleet, node: string): Promise<number> {
  const events = await eventsOf(fleet, node, 'ModuleUnloaded');
  return events.reduce((sum, { count }) => sum + Number(count), 0);
}

export function eventsOf({ east }: KernelFleet, node: string, reason: string): Promise<KubeObject[]> {
  return listAll(east, CORE.event, { fieldSelector: `involvedObject.name=${node},reason=${reason}` });
}

/** Which boot of a machine its Node speaks of, and whether the module counts as loaded there. */
export async function standingOf({ east }: KernelFleet, name: string) {
  const node = await east.get(CORE.node, { name });
  const { nodeInfo } = (node?.['status'] ?? {}) as { nodeInfo?: { bootID: string } };
  return {
    boot: nodeInfo?.bootID,
    counts: readyLabel(NAMESPACE, MCM) in (node?.metadata.labels ?? {}),
  };
}

/** @param node where; or everywhere */
export async function readyDevicePlugins({ east }: KernelFleet, node?: string): Promise<number> {
  const pods = await listAll(east, CORE.pod, {
    labelSelector: `${LABELS.role}=device-plugin`,
    ...(node && { fieldSelector: `spec.nodeName=${node}` }),
  });
  return pods.filter(isReady).length;
}

const isReady = (object: KubeObject | undefined): boolean =>
  isTrue((object?.['status'] as { conditions?: { type: string; status: string }[] })?.conditions, 'Ready');

/** Fails as the story fails, and tells what the cluster and its machines say: who reads a failed run has nothing else. */
export async function withTroubles(fleet: KernelFleet, telling: Promise<unknown>): Promise<void> {
  await telling.catch(async (error: Error) => {
    // The cause is printed last, so it is there even when only the end of what was printed is kept.
    error.cause = new Error(await troubles(fleet), { cause: error.cause });
    throw error;
  });
}

const TELL =
  'hostname; uptime; df / | tail -1; tail -n 3 /var/log/containerd.log; tail -n 5 /var/log/kubelet.log';

async function troubles(fleet: KernelFleet): Promise<string> {
  const said = await Promise.allSettled([
    ...[CORE.node, CORE.pod].map((type) => notReady(fleet, type)),
    ...guests(fleet).map(async (guest) => (await guest.run(TELL)).output),
  ]);
  return said.map((each) => (each.status === 'fulfilled' ? each.value : String(each.reason))).join('\n');
}

async function notReady({ east }: KernelFleet, type: ResourceType): Promise<string> {
  const objects = (await listAll(east, type)).filter((object) => !isReady(object));
  const { kind } = type;
  return objects.map(({ metadata: { name }, status }) => `${kind} ${name}: ${brief(status)}`).join('\n');
}

/** Conditions and containers of a status. */
function brief(status: unknown): string {
  const { conditions, containerStatuses } = (status ?? {}) as Record<string, unknown>;
  return JSON.stringify({ conditions, containerStatuses }).slice(0, 1_500);
}
