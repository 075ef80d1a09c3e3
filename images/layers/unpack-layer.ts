import { pipeline, Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { AppError, isAppError } from '@kmm-fleet/runtime';
import { plainText } from '../registry/plain-text.ts';

type Packing = 'gzip' | 'zstd' | 'none';

/** What is unpacked in one piece: more is unpacked piece by piece, beside the work of others, and held by nobody. */
const WHOLE_BYTES_MAX = 64 * 1024 * 1024;
const MAGIC_BYTES = 4;

/**
 * The uncompressed archive of a layer in pieces, whatever its media type says: the first bytes tell.
 *
 * @throws {AppError} IMAGE_INVALID when it cannot be unpacked, or to more than `bytesMax`; and what the source throws
 */
export function unpackLayer(
  blob: Uint8Array | AsyncIterable<Uint8Array>,
  bytesMax: number,
): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  if (!(blob instanceof Uint8Array)) return unpackPieces(blob, bytesMax);
  return unpackWhole(blob, Math.min(bytesMax, WHOLE_BYTES_MAX)) ?? unpackPieces(inPieces(blob), bytesMax);
}

/** Undefined when it is too large for one piece, or broken. */
function unpackWhole(blob: Uint8Array, maxOutputLength: number): Uint8Array[] | undefined {
  const packing = packingOf(blob);
  if (packing === 'none') return [blob];
  try {
    return [(packing === 'gzip' ? gunzipSync : zstdDecompressSync)(blob, { maxOutputLength })];
  } catch {
    return undefined;
  }
}

async function* unpackPieces(blob: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  try {
    for await (const piece of await unpacked(blob)) {
      size += piece.byteLength;
      if (size > bytesMax) throw new Error('it is larger');
      yield piece;
    }
  } catch (error) {
    if (isAppError(error)) throw error;
    const why = plainText(error instanceof Error ? error.message : String(error));
    throw new AppError('IMAGE_INVALID', `A layer cannot be unpacked within ${bytesMax} bytes: ${why}.`);
  }
}

async function unpacked(blob: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const pieces = blob[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array();
  while (head.byteLength < MAGIC_BYTES) {
    const { value, done } = await pieces.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  const whole = (async function* () {
    yield head;
    yield* { [Symbol.asyncIterator]: () => pieces };
  })();
  const packing = packingOf(head);
  if (packing === 'none') return whole;
  const unpacker: Transform = packing === 'gzip' ? createGunzip() : createZstdDecompress();
  // What goes wrong is told to whoever reads.
  return pipeline(Readable.from(whole), unpacker, () => {});
}

function packingOf(head: Uint8Array): Packing {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  return head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd ? 'zstd' : 'none';
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const pieceBytes = 64 * 1024;
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}
