import { AppError } from '@kmm-fleet/runtime';

/** Tags of the DER that PKCS#7 needs. */
export const TAG = {
  integer: 0x02,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
  context0: 0xa0,
  context3: 0xa3,
} as const;

/** One DER value: tag, length, content. */
export function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), length(body.byteLength), body]);
}

function length(size: number): Buffer {
  if (size < 0x80) return Buffer.from([size]);
  const bytes: number[] = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

/** An object identifier from its dotted text. */
export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part % 128];
    for (let left = Math.floor(part / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift((left % 128) | 0x80);
    bytes.push(...groups);
  }
  return der(TAG.oid, Buffer.from(bytes));
}

export interface DerValue {
  readonly tag: number;
  /** The content, without tag and length. */
  readonly content: Buffer;
  /** Tag, length and content. */
  readonly whole: Buffer;
}

/** The values that stand one after another in some bytes. @throws {AppError} SIGN_FAILED when they are cut short */
export function readDer(bytes: Uint8Array): DerValue[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values: DerValue[] = [];
  let at = 0;
  while (at < buffer.length) {
    const { start, size } = readLength(buffer, at + 1);
    if (start + size > buffer.length) throw malformed();
    const whole = buffer.subarray(at, start + size);
    values.push({ tag: buffer[at] ?? 0, content: buffer.subarray(start, start + size), whole });
    at = start + size;
  }
  return values;
}

function readLength(buffer: Buffer, at: number): { start: number; size: number } {
  const first = buffer[at];
  if (first === undefined) throw malformed();
  if (first < 0x80) return { start: at + 1, size: first };
  const count = first & 0x7f;
  if (count === 0 || count > 4 || at + 1 + count > buffer.length) throw malformed();
  return { start: at + 1 + count, size: buffer.readUIntBE(at + 1, count) };
}

function malformed(): AppError {
  return new AppError('SIGN_FAILED', 'A signature or certificate is no valid DER.');
}
