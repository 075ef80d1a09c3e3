import { createHash } from 'node:crypto';
import { AppError } from '@kmm-fleet/runtime';

/** `sha256:…` of some bytes. */
export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Reads a body to its end. @throws {AppError} REGISTRY_INVALID when it is larger than `bytesMax` */
export async function readBytes(
  body: AsyncIterable<Uint8Array>,
  bytesMax: number,
  what: string,
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.byteLength;
    if (size > bytesMax)
      throw new AppError('REGISTRY_INVALID', `${what}: the answer is larger than ${bytesMax} bytes.`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
