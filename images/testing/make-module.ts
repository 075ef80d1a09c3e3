/** A minimal kernel module: an ELF file with `.modinfo` and symbols, as `modinfo` and readModule read it. */
export interface ModuleShape {
  readonly name: string;
  /** Kernel release in the vermagic. */
  readonly kernel: string;
  readonly depends?: readonly string[];
  readonly parameters?: readonly string[];
  readonly firmware?: readonly string[];
  readonly softdeps?: readonly string[];
  readonly needs?: readonly string[];
  readonly exports?: readonly string[];
  /** `e_machine` of the ELF file; 62, x86-64, when left out. */
  readonly machine?: number;
  /** Anything that makes two otherwise equal modules differ. */
  readonly salt?: string;
}

/** What the distribution's x86 kernels append to the release. */
export const VERMAGIC_TAIL = 'SMP preempt mod_unload modversions ';

export function makeModule(shape: ModuleShape): Uint8Array {
  const modinfo = [
    `name=${shape.name}`,
    `license=GPL`,
    `depends=${(shape.depends ?? []).join(',')}`,
    ...(shape.parameters ?? []).map((name) => `parmtype=${name}:charp`),
    ...(shape.firmware ?? []).map((file) => `firmware=${file}`),
    ...(shape.softdeps ?? []).map((text) => `softdep=${text}`),
    ...(shape.salt ? [`description=${shape.salt}`] : []),
    `vermagic=${shape.kernel} ${VERMAGIC_TAIL}`,
  ];
  const needed = (shape.needs ?? []).map((name) => ({ name, section: 0 }));
  const exported = (shape.exports ?? []).map((name) => ({ name: `__ksymtab_${name}`, section: 1 }));
  const { symbols, names } = symbolTable([...needed, ...exported]);
  const sections = [
    { name: '.modinfo', type: 1, bytes: Buffer.from(`${modinfo.join('\0')}\0`), link: 0, entry: 0 },
    { name: '.symtab', type: 2, bytes: symbols, link: 3, entry: 24 },
    { name: '.strtab', type: 3, bytes: names, link: 0, entry: 0 },
  ];
  return elf(sections, shape.machine ?? 62);
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly bytes: Buffer;
  readonly link: number;
  readonly entry: number;
}

function symbolTable(list: readonly { readonly name: string; readonly section: number }[]) {
  const names = Buffer.from(`\0${list.map(({ name }) => `${name}\0`).join('')}`);
  const symbols = Buffer.alloc(24 * (list.length + 1));
  let at = 1;
  for (const [index, { name, section }] of list.entries()) {
    const base = 24 * (index + 1);
    symbols.writeUInt32LE(at, base);
    symbols[base + 4] = 0x10; // global, no type
    symbols.writeUInt16LE(section, base + 6);
    at += name.length + 1;
  }
  return { symbols, names };
}

/** Sections after the null section, then `.shstrtab`, then the table. */
function elf(content: readonly Section[], machine: number): Uint8Array {
  const all = [...content, { name: '.shstrtab', type: 3, bytes: Buffer.alloc(0), link: 0, entry: 0 }];
  const nameTable = Buffer.from(`\0${all.map(({ name }) => `${name}\0`).join('')}`);
  const sections = all.map((section) =>
    section.name === '.shstrtab' ? { ...section, bytes: nameTable } : section,
  );
  const headers = Buffer.alloc(64 * (sections.length + 1));
  let at = 64;
  let nameAt = 1;
  for (const [index, { name, type, bytes, link, entry }] of sections.entries()) {
    const base = 64 * (index + 1);
    headers.writeUInt32LE(nameAt, base);
    headers.writeUInt32LE(type, base + 4);
    headers.writeBigUInt64LE(BigInt(at), base + 0x18);
    headers.writeBigUInt64LE(BigInt(bytes.byteLength), base + 0x20);
    headers.writeUInt32LE(link, base + 0x28);
    headers.writeBigUInt64LE(1n, base + 0x30);
    headers.writeBigUInt64LE(BigInt(entry), base + 0x38);
    at += bytes.byteLength;
    nameAt += name.length + 1;
  }
  const header = Buffer.alloc(64);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(header);
  header.writeUInt16LE(1, 0x10); // relocatable
  header.writeUInt16LE(machine, 0x12);
  header.writeUInt32LE(1, 0x14);
  header.writeBigUInt64LE(BigInt(at), 0x28);
  header.writeUInt16LE(64, 0x34);
  header.writeUInt16LE(64, 0x3a);
  header.writeUInt16LE(sections.length + 1, 0x3c);
  header.writeUInt16LE(sections.length, 0x3e);
  return Buffer.concat([header, ...sections.map(({ bytes }) => bytes), headers]);
}
