import { AppError } from '@kmm-fleet/runtime';
import { architectureOf } from './architecture.ts';
import { cString, type Elf, readElf } from './elf.ts';

/** What a kernel module says about itself. */
export interface ModuleInfo {
  /** '' where it is not told: kernels before 4.13 left it to the file's name. */
  readonly name: string;
  /** `6.1.0-55-amd64 SMP preempt mod_unload modversions `: the kernel it was built for and how. */
  readonly vermagic: string;
  /** `amd64`, `arm64`, … */
  readonly architecture: string;
  /** Modules that must be loaded before, from modinfo. */
  readonly depends: readonly string[];
  readonly parameters: readonly string[];
  /** `pre: a b post: c` lines. */
  readonly softdeps: readonly string[];
  readonly firmware: readonly string[];
  readonly license: string;
  /** Symbols it needs from the kernel or from other modules, sorted. */
  readonly undefinedSymbols: readonly string[];
  /** Symbols it offers to other modules, sorted. */
  readonly exportedSymbols: readonly string[];
}

const RELOCATABLE = 1;
const SYMBOL_TABLE = 2;
const SYMBOL_BYTES = 24;
const EXPORT_PREFIX = '__ksymtab_';
/** The largest drivers have some 100 KiB, most of it aliases. */
const MODINFO_BYTES_MAX = 4 * 1024 * 1024;
const MODINFO_TEXTS_MAX = 50_000;
/** The largest drivers need and offer some 5,000. */
const SYMBOLS_MAX = 50_000;

/** The architecture a module is built for. @throws {AppError} IMAGE_INVALID when the file is no kernel module */
export function moduleArchitecture(file: Uint8Array): string {
  return architectureOf(openModule(file).machine);
}

/** Reads `.modinfo` and the symbol table of a module. @throws {AppError} IMAGE_INVALID for anything else */
export function readModule(file: Uint8Array): ModuleInfo {
  const elf = openModule(file);
  const info = readModinfo(modinfoOf(elf) ?? new Uint8Array());
  const all = (key: string) => info.filter(([name]) => name === key).map(([, value]) => value);
  const one = (key: string) => all(key)[0] ?? '';
  const symbols = readSymbols(elf);
  return {
    name: one('name').replaceAll('-', '_'),
    vermagic: one('vermagic'),
    architecture: architectureOf(elf.machine),
    depends: one('depends').split(',').filter(Boolean),
    parameters: all('parmtype').map((text) => text.split(':')[0] ?? ''),
    softdeps: all('softdep'),
    firmware: all('firmware'),
    license: one('license'),
    undefinedSymbols: symbols.filter(({ isDefined }) => !isDefined).map(({ name }) => name),
    exportedSymbols: symbols
      .filter(({ isDefined }) => isDefined)
      .map(({ name }) => name.slice(EXPORT_PREFIX.length)),
  };
}

function openModule(file: Uint8Array): Elf {
  const elf = readElf(file);
  if (elf.type === RELOCATABLE && modinfoOf(elf)) return elf;
  throw new AppError('IMAGE_INVALID', 'An ELF file is no kernel module: it has no .modinfo section.');
}

const modinfoOf = ({ sections }: Elf) => sections.find(({ name }) => name === '.modinfo')?.bytes;

function readModinfo(bytes: Uint8Array): (readonly [string, string])[] {
  if (bytes.byteLength > MODINFO_BYTES_MAX)
    throw invalid(`has a .modinfo of more than ${MODINFO_BYTES_MAX} bytes`);
  const texts = Buffer.from(bytes).toString('utf8').split('\0').filter(Boolean);
  if (texts.length > MODINFO_TEXTS_MAX)
    throw invalid(`has a .modinfo of more than ${MODINFO_TEXTS_MAX} entries`);
  return texts.map((text) => {
    const equals = text.indexOf('=');
    return [text.slice(0, equals), text.slice(equals + 1)] as const;
  });
}

/** What a module needs and what it exports; its own symbols, by far the most, are passed over. */
function readSymbols({ sections, isLittleEndian }: Elf) {
  const table = sections.find(({ type }) => type === SYMBOL_TABLE);
  const names = table && sections[table.link]?.bytes;
  if (!table || !names) return [];
  const view = new DataView(table.bytes.buffer, table.bytes.byteOffset, table.bytes.byteLength);
  const symbols: { name: string; isDefined: boolean }[] = [];
  for (let at = 0; at + SYMBOL_BYTES <= table.bytes.byteLength; at += SYMBOL_BYTES) {
    const isDefined = view.getUint16(at + 6, isLittleEndian) !== 0;
    const name = cString(names, view.getUint32(at, isLittleEndian));
    if (!name || (isDefined && !name.startsWith(EXPORT_PREFIX))) continue;
    if (symbols.push({ name, isDefined }) > SYMBOLS_MAX)
      throw invalid(`needs and exports more than ${SYMBOLS_MAX} symbols`);
  }
  return symbols.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
}

function invalid(problem: string): AppError {
  return new AppError('IMAGE_INVALID', `A kernel module ${problem}.`);
}
