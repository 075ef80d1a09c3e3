import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compressionOf, isModuleName, packModule, unpackModule } from './pack-module.ts';

const packings = fc.constantFrom('none', 'gzip', 'zstd');

it('gives back what was packed, and packs equal bytes to equal bytes', async () => {
  await fc.assert(
    fc.asyncProperty(packings, fc.uint8Array({ maxLength: 2_000 }), async (compression, bytes) => {
      const module = Buffer.concat([Buffer.from('\x7fELF', 'latin1'), bytes]);
      const packed = await packModule(module, compression);

      expect(compressionOf(packed)).toBe(compression);
      expect(Buffer.from(await unpackModule(packed)).equals(module)).toBe(true);
      expect(Buffer.from(await packModule(module, compression)).equals(packed)).toBe(true);
    }),
  );
});

it.each([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
])('unpacks no %s file beyond the limit: a few bytes can stand for many', async (_name, pack) => {
  const bomb = pack(Buffer.alloc(50 * 1024 * 1024));

  expect(bomb.byteLength).toBeLessThan(100_000);
  await expect(unpackModule(bomb, 1024 * 1024)).rejects.toMatchObject({
    code: 'IMAGE_INVALID',
    message: expect.stringContaining('it holds more than 1048576 bytes'),
  });
});

it.each(['gzip', 'zstd'] as const)(
  'never fails with anything but IMAGE_INVALID, wherever %s is cut',
  async (compression) => {
    const packed = await packModule(
      Buffer.from('some bytes of a module, some bytes of a module'),
      compression,
    );
    for (let length = 4; length < packed.byteLength; length++) {
      await expect(unpackModule(packed.subarray(0, length))).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
    }
  },
);

it('writes gzip without name and time, and zstd with its size and its check, as the kernel build does', async () => {
  const gzip = Buffer.from(await packModule(Buffer.from('module'), 'gzip'));
  const zstd = Buffer.from(await packModule(Buffer.alloc(300), 'zstd'));

  // RFC 1952: flags, then four bytes of time.
  expect(gzip.subarray(3, 8)).toEqual(Buffer.alloc(5));
  // RFC 8878: content size in two bytes, single segment, checksum; then the size less 256.
  expect(zstd[4]).toBe(0b0110_0100);
  expect(zstd.readUInt16LE(5)).toBe(300 - 256);
});

it.each([
  ['/opt/a.ko', true],
  ['/opt/a.ko.xz', true],
  ['/opt/a.ko.gz', true],
  ['/opt/a.ko.zst', true],
  ['/opt/a.kox', false],
  ['/opt/a.ko.bak', false],
  ['/opt/a.xz', false],
])('tells by its name whether %s is a module: %s', (path, isModule) => {
  expect(isModuleName(path)).toBe(isModule);
});
