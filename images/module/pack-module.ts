import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { AppError } from '@kmm-fleet/runtime';
import { packXz, unpackXz } from './xz.ts';

/** How a module file is packed. */
export type Compression = 'none' | 'gzip' | 'xz' | 'zstd';

/** Bytes of one module when it is unpacked: the largest drivers with debug information have some 200 MB. */
export const MODULE_BYTES_MAX = 512 * 1024 * 1024;

const MAGIC: readonly (readonly [Compression, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
];

/** The first bytes tell, as they tell kmod and the kernel; a name may lie. */
export function compressionOf(file: Uint8Array): Compression {
  const known = MAGIC.find(([, magic]) => magic.every((byte, index) => file[index] === byte));
  return known?.[0] ?? 'none';
}

/** `a.ko`, also packed. */
export const isModuleName = (path: string): boolean => /\.ko(\.(gz|xz|zst))?$/.test(path);

/**
 * A module file without its packing; one that is not packed is returned as it is.
 *
 * @param bytesMax what may come out: a few bytes can stand for many
 * @throws {AppError} IMAGE_INVALID when it is broken or too large; PROGRAM_MISSING when xz is needed and not there
 */
export async function unpackModule(
  file: Uint8Array,
  bytesMax: number = MODULE_BYTES_MAX,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const compression = compressionOf(file);
  if (compression === 'none') return file;
  if (compression === 'xz') return unpackXz(file, { bytesMax, signal });
  const options = { maxOutputLength: bytesMax };
  try {
    return compression === 'gzip' ? gunzipSync(file, options) : zstdDecompressSync(file, options);
  } catch (error) {
    const reason = isTooLarge(error) ? `it holds more than ${bytesMax} bytes` : String(error);
    throw new AppError('IMAGE_INVALID', `A ${compression} file cannot be unpacked: ${reason}.`);
  }
}

/**
 * A module packed as the kernel's own `make modules_install` does (scripts/Makefile.modinst): `gzip -n`, `zstd` with its
 * check and its size in the header, `xz` with CRC32 and a dictionary of 1 MiB. Equal bytes give equal bytes.
 *
 * @throws {AppError} PROGRAM_MISSING when xz is asked for and not there
 */
export async function packModule(
  file: Uint8Array,
  compression: Compression,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  switch (compression) {
    case 'none':
      return file;
    case 'gzip':
      return gzipSync(file, { level: 6 });
    case 'zstd':
      return zstdCompressSync(file, {
        pledgedSrcSize: file.byteLength,
        params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
      });
    case 'xz':
      return packXz(file, { bytesMax: MODULE_BYTES_MAX, signal });
  }
}

const isTooLarge = (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
