import { AppError } from '@kmm-fleet/runtime';

/** A 64-bit ELF file. */
export interface Elf {
  /** 1 is a relocatable object, as kernel modules are; 2 and 3 are programs and libraries. */
  readonly type: number;
  /** Number of the processor, as `e_machine` of the ELF specification has it. */
  readonly machine: number;
  readonly isLittleEndian: boolean;
  readonly sections: readonly ElfSection[];
}

/** A section of an ELF file. */
export interface ElfSection {
  readonly name: string;
  /** Section header type: 2 is a symbol table, 3 a string table, 8 occupies no space in the file. */
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly link: number;
}

const HEADER_BYTES = 64;
const SECTION_BYTES = 64;
const LITTLE_ENDIAN = 1;
const BIG_ENDIAN = 2;
const NO_BITS = 8;
const NAME_BYTES_MAX = 1_024;

/**
 * An ELF file with its sections. Every offset is checked against the file: it may come from anybody.
 *
 * @throws {AppError} IMAGE_INVALID saying what is wrong
 */
export function readElf(file: Uint8Array): Elf {
  if (file.byteLength < HEADER_BYTES || !isElf(file)) throw invalid('is no ELF file');
  const order = file[5];
  if (file[4] !== 2 || (order !== LITTLE_ENDIAN && order !== BIG_ENDIAN)) throw invalid('is not 64-bit');
  const isLittleEndian = order === LITTLE_ENDIAN;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const tableAt = offset(view.getBigUint64(0x28, isLittleEndian));
  const count = view.getUint16(0x3c, isLittleEndian);
  const namesIndex = view.getUint16(0x3e, isLittleEndian);
  if (view.getUint16(0x3a, isLittleEndian) !== SECTION_BYTES) throw invalid('has an odd section table');
  const headers = Array.from({ length: count }, (_, index) =>
    sectionHeader(view, tableAt + index * SECTION_BYTES, isLittleEndian),
  );
  const names = headers[namesIndex] ? slice(file, headers[namesIndex]) : new Uint8Array();
  return {
    type: view.getUint16(0x10, isLittleEndian),
    machine: view.getUint16(0x12, isLittleEndian),
    isLittleEndian,
    sections: headers.map((header) => ({
      name: cString(names, header.nameAt),
      type: header.type,
      bytes: slice(file, header),
      link: header.link,
    })),
  };
}

/** Whether some bytes begin as an ELF file does. */
export function isElf(file: Uint8Array): boolean {
  return file[0] === 0x7f && file[1] === 0x45 && file[2] === 0x4c && file[3] === 0x46;
}

interface SectionHeader {
  readonly nameAt: number;
  readonly type: number;
  readonly at: number;
  readonly size: number;
  readonly link: number;
}

function sectionHeader(view: DataView, at: number, little: boolean): SectionHeader {
  if (at + SECTION_BYTES > view.byteLength) throw invalid('ends inside its section table');
  return {
    nameAt: view.getUint32(at, little),
    type: view.getUint32(at + 4, little),
    at: offset(view.getBigUint64(at + 0x18, little)),
    size: offset(view.getBigUint64(at + 0x20, little)),
    link: view.getUint32(at + 0x28, little),
  };
}

function slice(file: Uint8Array, { type, at, size }: SectionHeader): Uint8Array {
  if (type === NO_BITS || type === 0) return new Uint8Array();
  if (at + size > file.byteLength) throw invalid('has a section beyond its end');
  return file.subarray(at, at + size);
}

/**
 * The zero-terminated text at an offset; empty when there is none, or one longer than any name of a kernel. Without that
 * bound many names could each run through the whole file.
 */
export function cString(bytes: Uint8Array, at: number): string {
  const text = bytes.subarray(at, at + NAME_BYTES_MAX);
  const end = text.indexOf(0);
  return end < 0 ? '' : Buffer.from(text.subarray(0, end)).toString('latin1');
}

function offset(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid('has an offset beyond any file');
  return Number(value);
}

function invalid(problem: string): AppError {
  return new AppError('IMAGE_INVALID', `A kernel module ${problem}.`);
}
