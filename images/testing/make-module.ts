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
  /** `e_machine` of the ELF file; 62, x86-64, when left out. 22, s390x, has its bytes the other way round. */
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
  const machine = shape.machine ?? 62;
  const write = writer(machine !== 22);
  const { symbols, names } = symbolTable([...needed, ...exported], write);
  const sections = [
    { name: '.modinfo', type: 1, bytes: Buffer.from(`${modinfo.join('\0')}\0`), link: 0, entry: 0 },
    { name: '.symtab', type: 2, bytes: symbols, link: 3, entry: 24 },
    { name: '.strtab', type: 3, bytes: names, link: 0, entry: 0 },
  ];
  return elf(sections, machine, write);
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly bytes: Buffer;
  readonly link: number;
  readonly entry: number;
}

/** Numbers as the processor has them. */
function writer(isLittleEndian: boolean) {
  const view = ({ buffer, byteOffset, byteLength }: Buffer) => new DataView(buffer, byteOffset, byteLength);
  return {
    isLittleEndian,
    u16: (to: Buffer, at: number, value: number) => view(to).setUint16(at, value, isLittleEndian),
    u32: (to: Buffer, at: number, value: number) => view(to).setUint32(at, value, isLittleEndian),
    u64: (to: Buffer, at: number, value: number) => view(to).setBigUint64(at, BigInt(value), isLittleEndian),
  };
}
type Writer = ReturnType<typeof writer>;

function symbolTable(
  list: readonly { readonly name: string; readonly section: number }[],
  { u16, u32 }: Writer,
) {
  const names = Buffer.from(`\0${list.map(({ name }) => `${name}\0`).join('')}`);
  const symbols = Buffer.alloc(24 * (list.length + 1));
  let at = 1;
  for (const [index, { name, section }] of list.entries()) {
    const base = 24 * (index + 1);
    u32(symbols, base, at);
    symbols[base + 4] = 0x10; // global, no type
    u16(symbols, base + 6, section);
    at += name.length + 1;
  }
  return { symbols, names };
}

/** Sections after the null section, then `.shstrtab`, then the table. */
function elf(content: readonly Section[], machine: number, { isLittleEndian, u16, u32, u64 }: Writer) {
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
    u32(headers, base, nameAt);
    u32(headers, base + 4, type);
    u64(headers, base + 0x18, at);
    u64(headers, base + 0x20, bytes.byteLength);
    u32(headers, base + 0x28, link);
    u64(headers, base + 0x30, 1);
    u64(headers, base + 0x38, entry);
    at += bytes.byteLength;
    nameAt += name.length + 1;
  }
  const header = Buffer.alloc(64);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, isLittleEndian ? 1 : 2, 1]).copy(header);
  u16(header, 0x10, 1); // relocatable
  u16(header, 0x12, machine);
  u32(header, 0x14, 1);
  u64(header, 0x28, at);
  u16(header, 0x34, 64);
  u16(header, 0x3a, 64);
  u16(header, 0x3c, sections.length + 1);
  u16(header, 0x3e, sections.length);
  return Buffer.concat([header, ...sections.map(({ bytes }) => bytes), headers]);
}
