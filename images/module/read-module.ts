import { cString, type ElfSection, readElfSections } from './elf.ts';

/** What a kernel module says about itself. */
export interface ModuleInfo {
  readonly name: string;
  /** `6.1.0-55-amd64 SMP preempt mod_unload modversions `: the kernel it was built for and how. */
  readonly vermagic: string;
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

const SYMBOL_TABLE = 2;
const SYMBOL_BYTES = 24;
const EXPORT_PREFIX = '__ksymtab_';

/** Reads `.modinfo` and the symbol table of a module. @throws {AppError} IMAGE_INVALID for anything else */
export function readModule(file: Uint8Array): ModuleInfo {
  const sections = readElfSections(file);
  const info = readModinfo(sections.find(({ name }) => name === '.modinfo')?.bytes ?? new Uint8Array());
  const all = (key: string) => info.filter(([name]) => name === key).map(([, value]) => value);
  const one = (key: string) => all(key)[0] ?? '';
  const symbols = readSymbols(sections);
  return {
    name: one('name').replaceAll('-', '_'),
    vermagic: one('vermagic'),
    depends: one('depends').split(',').filter(Boolean),
    parameters: all('parmtype').map((text) => text.split(':')[0] ?? ''),
    softdeps: all('softdep'),
    firmware: all('firmware'),
    license: one('license'),
    undefinedSymbols: symbols.filter(({ isDefined }) => !isDefined).map(({ name }) => name),
    exportedSymbols: symbols
      .filter(({ name, isDefined }) => isDefined && name.startsWith(EXPORT_PREFIX))
      .map(({ name }) => name.slice(EXPORT_PREFIX.length)),
  };
}

function readModinfo(bytes: Uint8Array): (readonly [string, string])[] {
  const texts = Buffer.from(bytes).toString('utf8').split('\0').filter(Boolean);
  return texts.map((text) => {
    const equals = text.indexOf('=');
    return [text.slice(0, equals), text.slice(equals + 1)] as const;
  });
}

function readSymbols(
  sections: readonly ElfSection[],
): { readonly name: string; readonly isDefined: boolean }[] {
  const table = sections.find(({ type }) => type === SYMBOL_TABLE);
  const names = table && sections[table.link]?.bytes;
  if (!table || !names) return [];
  const view = new DataView(table.bytes.buffer, table.bytes.byteOffset, table.bytes.byteLength);
  const symbols: { name: string; isDefined: boolean }[] = [];
  for (let at = 0; at + SYMBOL_BYTES <= table.bytes.byteLength; at += SYMBOL_BYTES) {
    const name = cString(names, view.getUint32(at, true));
    if (name) symbols.push({ name, isDefined: view.getUint16(at + 6, true) !== 0 });
  }
  return symbols.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
}
