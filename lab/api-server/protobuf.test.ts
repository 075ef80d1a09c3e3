import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ApiError } from './api-error.ts';
import { readProtobuf } from './protobuf.ts';

const bytes = (number: number, value: string | Uint8Array) => {
  const content = Buffer.from(value);
  return Buffer.concat([Buffer.from([number * 8 + 2, content.length]), content]);
};
const envelope = (kind: string, ...fields: Uint8Array[]) =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    bytes(1, Buffer.concat([bytes(1, 'v1'), bytes(2, kind)])),
    bytes(2, Buffer.concat(fields)),
  ]);
const entry = (key: string, value: string) => Buffer.concat([bytes(1, key), bytes(2, value)]);

it('reads a Secret as JSON would have it', () => {
  const metadata = bytes(1, Buffer.concat([bytes(1, 'key'), bytes(2, ''), bytes(11, entry('a', 'b'))]));

  expect(
    readProtobuf(envelope('Secret', metadata, bytes(2, entry('key', 'text')), bytes(3, 'Opaque'))),
  ).toEqual({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'key', labels: { a: 'b' } },
    data: { key: 'dGV4dA==' },
    type: 'Opaque',
  });
});

it('says of other kinds that they are understood in JSON', () => {
  expect(() => readProtobuf(envelope('Pod'))).toThrow('Pod is understood in JSON only');
  expect(() => readProtobuf(envelope('constructor'))).toThrow('in JSON only');
});

it('refuses any bytes with a reason, and never fails otherwise', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom('', 'k8s\0'), (body, magic) => {
      try {
        readProtobuf(Buffer.concat([Buffer.from(magic), body]));
      } catch (error) {
        expect(error).toBeInstanceOf(ApiError);
      }
    }),
  );
});
