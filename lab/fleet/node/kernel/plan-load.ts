import type { ModuleInfo, Verdict } from '@kmm-fleet/images';

/** Error numbers of the kernel that loading and unloading can end with. */
export type Errno =
  | 'EBUSY'
  | 'EEXIST'
  | 'EINVAL'
  | 'EKEYREJECTED'
  | 'ENOENT'
  | 'ENOEXEC'
  | 'ENOKEY'
  | 'EPERM';

/** What of the running kernel decides over a module. */
export interface KernelView {
  readonly release: string;
  /** Secure Boot, or `module.sig_enforce=1`. */
  readonly enforcesSignatures: boolean;
  /** `lockdown=integrity`. */
  readonly isLockedDown: boolean;
  readonly loaded: readonly { readonly name: string; readonly exports: readonly string[] }[];
  /** The kernel has warned already: it does so once per boot. */
  readonly warned: { readonly outOfTree: boolean; readonly unsigned: boolean };
}

/** A module on its way into the kernel. */
export interface LoadRequest {
  readonly info: ModuleInfo;
  readonly verdict: Verdict;
  readonly isInTree: boolean;
  readonly parameters: Readonly<Record<string, string>>;
  /** Which module of the same image exports a symbol: all others are taken for the base kernel's. */
  readonly exporters: ReadonlyMap<string, string>;
  readonly hasFirmware: (file: string) => boolean;
  /** Name of the process that asks: lockdown names it. */
  readonly process: string;
}

export interface LoadPlan {
  /** Absent when the module is loaded. */
  readonly errno?: Errno;
  /** Lines of the kernel's log, in its words. */
  readonly dmesg: readonly string[];
  /** Bits the kernel is tainted with from here on: 4096 out of tree, 8192 unsigned. */
  readonly taint: number;
  /** Loaded modules that this one holds, sorted. */
  readonly uses: readonly string[];
}

export const TAINT = { outOfTree: 4_096, unsigned: 8_192 } as const;

/**
 * Decides as `load_module` of the kernel does, in its order: signature, version magic, symbols, parameters, and the
 * firmware that a driver asks for while it starts.
 *
 * Symbols of the base kernel are unknown here, so they are never missed: judged are symbols that another module of
 * the image exports, and those of a dependency that the image lacks.
 */
export function planLoad(kernel: KernelView, request: LoadRequest): LoadPlan {
  const { info } = request;
  const refused = refuseSignature(kernel, request) ?? refuseVersion(kernel, info);
  if (refused) return { ...refused, taint: 0, uses: [] };
  const warnings = taintWarnings(kernel, request);
  const symbols = resolveSymbols(kernel, request);
  if (symbols.missing.length > 0) {
    const lines = symbols.missing.map((symbol) => `${info.name}: Unknown symbol ${symbol} (err -2)`);
    return { errno: 'ENOENT', dmesg: [...warnings.dmesg, ...lines], taint: warnings.taint, uses: [] };
  }
  const unknown = Object.keys(request.parameters).filter((name) => !info.parameters.includes(name));
  const ignored = unknown.sort().map((name) => `${info.name}: unknown parameter '${name}' ignored`);
  const firmware = loadFirmware(request);
  const dmesg = [...warnings.dmesg, ...ignored, ...firmware.dmesg];
  return firmware.isMissing
    ? { errno: 'ENOENT', dmesg, taint: warnings.taint, uses: [] }
    : { dmesg, taint: warnings.taint, uses: symbols.uses };
}

type Refusal = Pick<LoadPlan, 'errno' | 'dmesg'>;

function refuseSignature(kernel: KernelView, request: LoadRequest): Refusal | undefined {
  const { verdict } = request;
  if (request.isInTree || verdict === 'signed') return undefined;
  // A signature that does not fit is never taken, whether or not one is asked for.
  if (verdict === 'tampered') return { errno: 'EKEYREJECTED', dmesg: [] };
  if (kernel.enforcesSignatures) {
    const what = verdict === 'unsigned' ? 'unsigned module' : 'module with unavailable key';
    return { errno: keyErrno(kernel.release), dmesg: [`Loading of ${what} is rejected`] };
  }
  if (!kernel.isLockedDown) return undefined;
  const line = `Lockdown: ${request.process}: unsigned module loading is restricted; see man kernel_lockdown.7`;
  return { errno: 'EPERM', dmesg: [line] };
}

/** Kernels before 5.4 said ENOKEY, "Required key not available", for what is EKEYREJECTED since. */
function keyErrno(release: string): Errno {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return major < 5 || (major === 5 && minor < 4) ? 'ENOKEY' : 'EKEYREJECTED';
}

/** What a kernel is built with, as modules name it behind the release: that of Debian's for x86. */
const SETTINGS = 'SMP preempt mod_unload modversions ';

/**
 * With `modversions` the release is not compared but checksums of symbols are: those agree between builds of one
 * upstream version (measured: 6.1.0-56 on 6.1.0-55) and differ between versions. Without it the release must be equal.
 * The settings must be equal in any case.
 */
function refuseVersion(kernel: KernelView, { name, vermagic }: ModuleInfo): Refusal | undefined {
  const [release = ''] = vermagic.split(' ');
  const settings = vermagic.slice(release.length + 1);
  const hasChecksums = settings.includes('modversions');
  if (hasChecksums && upstreamVersion(release) !== upstreamVersion(kernel.release))
    return { errno: 'ENOEXEC', dmesg: [`${name}: disagrees about version of symbol module_layout`] };
  if (settings === SETTINGS && (hasChecksums || release === kernel.release)) return undefined;
  const wanted = `${kernel.release} ${SETTINGS}`;
  return { errno: 'ENOEXEC', dmesg: [`${name}: version magic '${vermagic}' should be '${wanted}'`] };
}

const upstreamVersion = (release: string) => /^\d+\.\d+(?:\.\d+)?/.exec(release)?.[0] ?? release;

function taintWarnings(kernel: KernelView, { info, verdict, isInTree }: LoadRequest) {
  if (isInTree) return { dmesg: [], taint: 0 };
  const isUnsigned = verdict !== 'signed';
  const dmesg: string[] = [];
  if (!kernel.warned.outOfTree) dmesg.push(`${info.name}: loading out-of-tree module taints kernel.`);
  if (isUnsigned && !kernel.warned.unsigned) {
    const cause = 'signature and/or required key missing';
    dmesg.push(`${info.name}: module verification failed: ${cause} - tainting kernel`);
  }
  return { dmesg, taint: TAINT.outOfTree + (isUnsigned ? TAINT.unsigned : 0) };
}

function resolveSymbols(kernel: KernelView, { info, exporters }: LoadRequest) {
  const owners = new Map(
    kernel.loaded.flatMap(({ name, exports }) => exports.map((symbol) => [symbol, name])),
  );
  const judged = info.undefinedSymbols.filter((symbol) => owners.has(symbol) || exporters.has(symbol));
  const uses = new Set(judged.flatMap((symbol) => owners.get(symbol) ?? []));
  const missing = judged.filter((symbol) => !owners.has(symbol));
  const loaded = new Set(kernel.loaded.map(({ name }) => name));
  const known = new Set(exporters.values());
  const absent = info.depends.map((name) => name.replaceAll('-', '_'));
  for (const name of absent.filter((dependency) => !loaded.has(dependency) && !known.has(dependency))) {
    missing.push(
      ...symbolsOf(
        name,
        info.undefinedSymbols.filter((symbol) => !judged.includes(symbol)),
      ),
    );
  }
  return { uses: [...uses].sort(), missing: [...new Set(missing)].sort() };
}

/** The symbols that a module nobody has would have exported: those that share its prefix, else any that could. */
function symbolsOf(module: string, candidates: readonly string[]): string[] {
  const prefix = `${module.split('_')[0]}_`;
  const alike = candidates.filter((symbol) => symbol.startsWith(prefix));
  if (alike.length > 0) return alike;
  const plausible = candidates.filter((symbol) => !/^_|^param_|^module_layout$/.test(symbol));
  return plausible.length > 0 ? plausible.slice(0, 1) : [`${module}_init`];
}

/** A driver asks for the file that parameter `fw` or `firmware` names, or any that names one of its own files. */
function loadFirmware({ info, parameters, hasFirmware }: LoadRequest) {
  const wanted = Object.entries(parameters)
    .filter(([name, value]) => info.parameters.includes(name) && isFirmwareRequest(info, name, value))
    .map(([, value]) => value)
    .sort();
  const missing = wanted.find((file) => !hasFirmware(file));
  const device = `${info.name} ${info.name}`;
  const dmesg = wanted.flatMap((file) => {
    if (hasFirmware(file)) return [`${device}: firmware: direct-loading firmware ${file}`];
    const failed = `${device}: firmware: failed to load ${file} (-2)`;
    // It looks for the file, then for the file packed.
    return [failed, failed];
  });
  return { dmesg, isMissing: missing !== undefined };
}

function isFirmwareRequest({ firmware }: ModuleInfo, name: string, value: string): boolean {
  return value !== '' && (name === 'fw' || name === 'firmware' || firmware.includes(value));
}
