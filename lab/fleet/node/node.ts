import type { X509Certificate } from 'node:crypto';
import type { Registry } from '@kmm-fleet/images';
import {
  type Clock,
  CORE,
  createCache,
  createQueue,
  deepEqual,
  type KubeClient,
  type KubeObject,
  type Log,
  type Random,
} from '@kmm-fleet/runtime';
import { type Running, startController } from '../running.ts';
import { createHostFiles, type InTreeModule } from './files/host-files.ts';
import { createImageStore } from './image-store.ts';
import { createKernel, type Kernel, type LoadedModule } from './kernel/kernel.ts';
import { createKubelet } from './kubelet.ts';
import { nodeStatus } from './node-status.ts';
import { time } from './pod-status.ts';

export interface NodeOptions {
  readonly name: string;
  /** Kernel release, as `uname -r` prints it. */
  readonly kernel: string;
  /** What the system calls itself; Debian when left out. */
  readonly osImage?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly object[];
  readonly secureBoot?: boolean;
  /** Certificates whose signatures the kernel takes: enrolled as machine owner keys. */
  readonly trusted?: readonly X509Certificate[];
  readonly inTree?: readonly InTreeModule[];
  /** `firmware_class.path` of its kernel. */
  readonly firmwarePath?: string;
}

export interface NodePorts {
  readonly client: KubeClient;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A machine: a Node object that is kept true, pods that run, and a kernel with modules. */
export interface SimulatedNode {
  readonly name: string;
  start(): Running;
  /** Goes down and comes up: modules are gone, containers start again. */
  reboot(): void;
  /** Installs another kernel and boots it. */
  upgradeKernel(release: string): void;
  /** Takes effect with the boot that it causes. */
  setSecureBoot(isOn: boolean, trusted?: readonly X509Certificate[]): void;
  /** As `kubectl cordon`, with the taint that the control plane adds. */
  cordon(): Promise<void>;
  uncordon(): Promise<void>;
  readonly kernel: string;
  readonly bootId: string;
  /** Loaded modules, sorted by name. */
  modules(): LoadedModule[];
  /** A program opens or closes (-1) a device of a module. */
  use(module: string, change: 1 | -1): void;
  dmesg(): readonly string[];
  /** A file of the node's disk. */
  readFile(path: string): Uint8Array | undefined;
  /** References of the images on its disk. */
  images(): string[];
}

/** Annotations that make a node visible and movable with kubectl. */
export const NODE_ANNOTATIONS = {
  /** Wish: the release to boot into. */
  kernel: 'lab.kmm.sigs.x-k8s.io/kernel',
  /** Fact: loaded modules that are not the kernel's own, sorted, joined by commas. */
  modules: 'lab.kmm.sigs.x-k8s.io/modules',
} as const;

const OS_IMAGE = 'Debian GNU/Linux 12 (bookworm)';
/** Where the guide tells users to point `firmware_class.path`; the lab's nodes are set up so where nothing else is said. */
const FIRMWARE_PATH = '/var/lib/firmware';
const UNSCHEDULABLE = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

export function createNode(options: NodeOptions, ports: NodePorts): SimulatedNode {
  const { name } = options;
  const { client, clock, random, log } = ports;
  const host = createHostFiles(options.inTree ?? []);
  const { firmwarePath = FIRMWARE_PATH } = options;
  let { kernel: release, secureBoot = false, trusted = [] } = options;
  const machineId = randomHex(random, 32);
  let bootId = '';
  let kernel: Kernel;

  const hasFirmware = (file: string) =>
    [
      firmwarePath,
      `/lib/firmware/updates/${release}`,
      '/lib/firmware/updates',
      `/lib/firmware/${release}`,
      '/lib/firmware',
    ].some((directory) => host.tree.lookup(`${directory}/${file}`)?.type === 'file');
  const boot = (): Kernel => {
    host.installKernel(release);
    bootId = uuid(random);
    const booted = createKernel({ release, secureBoot, trusted, inTreeFiles: host.inTreeFiles, hasFirmware });
    for (const module of options.inTree?.filter(({ isLoadedAtBoot }) => isLoadedAtBoot) ?? []) {
      const file = host.tree.readFile(`/lib/modules/${release}/kernel/${module.name}.ko`);
      if (file) booted.load(file, { parameters: {}, exporters: new Map(), process: 'systemd-udevd' });
    }
    return booted;
  };
  kernel = boot();

  const images = createImageStore(ports.registry, client);
  const kubelet = createKubelet(name, {
    client,
    clock,
    random,
    log,
    images,
    host,
    kernel: () => kernel,
    firmwarePath,
    modulesMayHaveChanged: () => queue.add(name),
  });
  const cache = createCache({
    client,
    type: CORE.node,
    fieldSelector: `metadata.name=${name}`,
    clock,
    random,
    log,
  });

  const reconcile = async (_key: string, signal: AbortSignal) => {
    const existing = cache.get(name);
    if (!existing) {
      await client.create(CORE.node, nodeObject(options), signal);
      return undefined;
    }
    const wanted = existing.metadata.annotations?.[NODE_ANNOTATIONS.kernel];
    if (wanted && wanted !== release) upgradeKernel(wanted);
    const { osImage = OS_IMAGE } = options;
    const facts = { name, kernel: release, osImage, bootId, machineId };
    const status = nodeStatus(existing, facts, time(clock.now()));
    if (!deepEqual(status, existing['status'])) {
      await client.mergePatch(CORE.node, { name }, { status }, { subresource: 'status' }, signal);
    }
    await publishModules(existing, signal);
    return undefined;
  };

  const publishModules = async (existing: KubeObject, signal: AbortSignal) => {
    const names = kernel
      .modules()
      .filter(({ isInTree }) => !isInTree)
      .map((module) => module.name);
    const text = names.join(',');
    if ((existing.metadata.annotations?.[NODE_ANNOTATIONS.modules] ?? '') === text) return;
    const annotations = { [NODE_ANNOTATIONS.modules]: text || null };
    await client.mergePatch(CORE.node, { name }, { metadata: { annotations } }, {}, signal);
  };

  const queue = createQueue({ name: `node-${name}`, reconcile, clock, random, log });
  cache.onChange(({ after }) => {
    if (after) queue.add(name);
  });

  const reboot = () => {
    kernel = boot();
    queue.add(name);
    kubelet.reboot();
  };
  const upgradeKernel = (next: string) => {
    release = next;
    reboot();
  };
  const setSchedulable = async (isOn: boolean) => {
    const existing = await client.get(CORE.node, { name });
    const spec = (existing?.['spec'] ?? {}) as { taints?: readonly { key?: string }[] };
    const others = (spec.taints ?? []).filter(({ key }) => key !== UNSCHEDULABLE.key);
    const taints = isOn ? others : [...others, UNSCHEDULABLE];
    await client.mergePatch(CORE.node, { name }, { spec: { unschedulable: isOn ? null : true, taints } }, {});
  };

  return {
    name,
    start() {
      queue.add(name);
      return startController([cache, kubelet.cache], [queue, kubelet.queue]);
    },
    reboot,
    upgradeKernel,
    setSecureBoot(isOn, certificates = trusted) {
      secureBoot = isOn;
      trusted = certificates;
      reboot();
    },
    cordon: () => setSchedulable(false),
    uncordon: () => setSchedulable(true),
    get kernel() {
      return release;
    },
    get bootId() {
      return bootId;
    },
    modules: () => kernel.modules(),
    use: (module, change) => kernel.use(module, change),
    dmesg: () => kernel.dmesg(),
    readFile: (path) => host.tree.readFile(path),
    images: () => images.list(),
  };
}

function nodeObject({ name, labels, taints }: NodeOptions): KubeObject {
  const own = { 'kubernetes.io/hostname': name, 'kubernetes.io/arch': 'amd64', 'kubernetes.io/os': 'linux' };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { ...own, ...labels } },
    spec: taints ? { taints } : {},
  };
}

function randomHex(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('');
}

function uuid(random: Random): string {
  const hex = randomHex(random, 32);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
