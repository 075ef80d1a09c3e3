import { gzipSync, zstdCompressSync } from 'node:zlib';
import { AppError } from '@kmm-fleet/runtime';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readBytes } from '../registry/bytes.ts';
import { createImageFs } from './image-fs.ts';
import { applyLayer } from './read-layer.ts';
import { unpackLayer } from './unpack-layer.ts';
import { writeLayer } from './write-layer.ts';

async function* piecesOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

const read = async (blob: Parameters<typeof unpackLayer>[0], bytesMax = 1_000_000) =>
  readBytes(
    (async function* () {
      yield* unpackLayer(blob, bytesMax);
    })(),
    Number.MAX_SAFE_INTEGER,
    'layer',
  );

it.each([
  ['plain', (bytes: Uint8Array) => Buffer.from(bytes)],
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
])('a %s layer is the same in pieces of any size as it is whole', async (_name, pack) => {
  const plain = fc.uint8Array({ maxLength: 3_000 }).map((bytes) => Buffer.from([1, ...bytes]));
  await fc.assert(
    fc.asyncProperty(plain, fc.integer({ min: 1, max: 2_000 }), async (bytes, size) => {
      expect(await read(piecesOf(pack(bytes), size))).toEqual(bytes);
      expect(await read(pack(bytes))).toEqual(bytes);
    }),
    { numRuns: 40 },
  );
});

it.each([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
])('a %s bomb and one that ends too early are refused in pieces too', async (_name, pack) => {
  const bomb = pack(Buffer.alloc(3_000_000));

  await expect(read(piecesOf(bomb, 100))).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  await expect(read(piecesOf(bomb.subarray(0, -20), 100), 4_000_000)).rejects.toMatchObject({
    code: 'IMAGE_INVALID',
  });
});

it('a source that breaks off, or had other bytes than it promised, leaves nothing behind', async () => {
  const { blob } = await writeLayer(
    new Map([['/a.ko', { type: 'file', mode: 0o644, bytes: Buffer.alloc(9_000) }]]),
  );
  const wrong = new AppError('REGISTRY_INVALID', 'other bytes');
  const fs = createImageFs();
  for (const share of [0.3, 1])
    await expect(
      applyLayer(
        fs,
        (async function* () {
          yield* piecesOf(blob.subarray(0, Math.ceil(blob.byteLength * share)), 7);
          throw wrong;
        })(),
      ),
    ).rejects.toBe(wrong);

  expect(fs.paths()).toEqual(['/']);
});
