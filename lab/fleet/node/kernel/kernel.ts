import type { X509Certificate } from 'node:crypto';
import { type ModuleInfo, readModule, verifyModule } from '@kmm-fleet/images';
import { type Errno, planLoad, TAINT } from './plan-load.ts';

/** A module that is loaded, as /sys/module and /proc/modules tell. */
export interface LoadedModule {
  readonly name: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Modules that use it, sorted. */
  readonly holders: readonly string[];
  /** Holders and open devices. */
  readonly refcount: number;
  readonly taint: number;
  readonly isInTree: boolean;
}

export interface KernelOptions {
  readonly release: string;
  /** Enforces signatures and locks the kernel down, as distribution kernels do on Secure Boot machines. */
  readonly secureBoot?: boolean;
  /** `module.sig_enforce=1` without Secure Boot. */
  readonly enforcesSignatures?: boolean;
  /** `lockdown=integrity` without Secure Boot. */
  readonly isLockedDown?: boolean;
  /** Certificates whose signatures count. */
  readonly trusted?: readonly X509Certificate[];
  /** Files of modules that belong to the kernel: signed by its own build key. */
  readonly inTreeFiles?: ReadonlySet<Uint8Array>;
  /** Whether the node has a firmware file, looked up where the kernel looks. */
  readonly hasFirmware?: (file: string) => boolean;
}

/** What a call into the kernel was given along with a module file. */
export interface LoadContext {
  readonly parameters: Readonly<Record<string, string>>;
  readonly exporters: ReadonlyMap<string, string>;
  readonly process: string;
}

/** A running kernel, from one boot to the next. */
export interface Kernel {
  readonly release: string;
  /** Loaded modules, sorted by name. */
  modules(): LoadedModule[];
  /** Loaded modules as /proc/modules lists them. */
  newestFirst(): LoadedModule[];
  isLoaded(name: string): boolean;
  /** `init_module`: undefined when it is loaded. */
  load(file: Uint8Array, context: LoadContext): Errno | undefined;
  /** `delete_module`: EBUSY while something uses it, ENOENT when it is not there. */
  unload(name: string): Errno | undefined;
  /** A program opens or closes (-1) a device of the module. */
  use(name: string, change: 1 | -1): void;
  readonly taint: number;
  /** The kernel's log, oldest first. */
  dmesg(): readonly string[];
}

interface Resident {
  readonly info: ModuleInfo;
  readonly parameters: Readonly<Record<string, string>>;
  readonly uses: readonly string[];
  readonly taint: number;
  readonly isInTree: boolean;
  users: number;
}

/** The ring buffer of the kernel holds some thousand lines; nobody reads more of a simulated one. */
const DMESG_LINES_MAX = 1_000;

/** Boots a kernel with nothing loaded. */
export function createKernel(options: KernelOptions): Kernel {
  const { release, secureBoot = false, trusted = [] } = options;
  const residents = new Map<string, Resident>();
  const log: string[] = [];
  let taint = 0;
  const warned = { outOfTree: false, unsigned: false };

  const say = (lines: readonly string[]) => {
    log.push(...lines);
    log.splice(0, Math.max(0, log.length - DMESG_LINES_MAX));
  };
  const holdersOf = (name: string) =>
    [...residents.values()]
      .filter(({ uses }) => uses.includes(name))
      .map(({ info }) => info.name)
      .sort();
  const refcountOf = (name: string) => holdersOf(name).length + (residents.get(name)?.users ?? 0);

  const load = (file: Uint8Array, { parameters, exporters, process }: LoadContext): Errno | undefined => {
    const info = readModuleOrNothing(file);
    if (!info) return 'ENOEXEC';
    if (residents.has(info.name)) return 'EEXIST';
    const isInTree = options.inTreeFiles?.has(file) ?? false;
    const loaded = [...residents.values()].map((resident) => ({
      name: resident.info.name,
      exports: resident.info.exportedSymbols,
    }));
    const view = {
      release,
      enforcesSignatures: secureBoot || (options.enforcesSignatures ?? false),
      isLockedDown: secureBoot || (options.isLockedDown ?? false),
      loaded,
      warned: { ...warned },
    };
    const hasFirmware = options.hasFirmware ?? (() => false);
    const verdict = verifyModule(file, trusted);
    const plan = planLoad(view, { info, verdict, isInTree, parameters, exporters, hasFirmware, process });
    say(plan.dmesg);
    taint |= plan.taint;
    if ((plan.taint & TAINT.outOfTree) !== 0) warned.outOfTree = true;
    if ((plan.taint & TAINT.unsigned) !== 0) warned.unsigned = true;
    if (plan.errno) return plan.errno;
    const known = Object.entries(parameters).filter(([name]) => info.parameters.includes(name));
    residents.set(info.name, {
      info,
      parameters: Object.fromEntries(known),
      uses: plan.uses,
      taint: plan.taint,
      isInTree,
      users: 0,
    });
    return undefined;
  };

  const newestFirst = () =>
    [...residents.values()].reverse().map(({ info: { name }, ...resident }) => ({
      name,
      parameters: resident.parameters,
      holders: holdersOf(name),
      refcount: refcountOf(name),
      taint: resident.taint,
      isInTree: resident.isInTree,
    }));

  return {
    release,
    load,
    modules: () => newestFirst().sort((a, b) => (a.name < b.name ? -1 : 1)),
    newestFirst,
    isLoaded: (name) => residents.has(name),
    unload(name) {
      if (!residents.has(name)) return 'ENOENT';
      if (refcountOf(name) > 0) return 'EBUSY';
      residents.delete(name);
      return undefined;
    },
    use(name, change) {
      const resident = residents.get(name);
      if (resident) resident.users = Math.max(0, resident.users + change);
    },
    get taint() {
      return taint;
    },
    dmesg: () => log,
  };
}

const infos = new WeakMap<Uint8Array, ModuleInfo>();

/** What a module file says of itself; undefined when it is no module. Each file is read once. */
export function readModuleOrNothing(file: Uint8Array): ModuleInfo | undefined {
  const known = infos.get(file);
  if (known) return known;
  try {
    const info = readModule(file);
    infos.set(file, info);
    return info;
  } catch {
    return undefined;
  }
}
