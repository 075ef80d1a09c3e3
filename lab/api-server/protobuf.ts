import { ApiError, badRequest } from './api-error.ts';
import type { JsonObject } from './schema/structural.ts';

/** How the bytes of a field are read. Numbers of fields are those of Kubernetes' generated.proto files. */
type Reader = (value: Uint8Array | number) => unknown;
interface Field {
  readonly name: string;
  readonly read: Reader;
  readonly form?: 'list' | 'map';
}
type Message = Readonly<Record<number, Field>>;

const MAGIC = Buffer.from('k8s\0');
const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const bytesOf = (value: Uint8Array | number) => {
  if (typeof value === 'number') throw badRequest('the protobuf body holds a number in place of bytes');
  return Buffer.from(value);
};
const text: Reader = (value) => bytesOf(value).toString('utf8');
const base64: Reader = (value) => bytesOf(value).toString('base64');
const flag: Reader = (value) => value === 1;
const message =
  (fields: Message): Reader =>
  (value) =>
    readMessage(bytesOf(value), fields);
const field = (name: string, read: Reader, form?: Field['form']): Field => ({
  name,
  read,
  ...(form && { form }),
});

const OWNER: Message = {
  1: field('kind', text),
  3: field('name', text),
  4: field('uid', text),
  5: field('apiVersion', text),
  6: field('controller', flag),
  7: field('blockOwnerDeletion', flag),
};
// Fields that the server sets itself (times, versions, managers) are left out: it would not take them from a client.
const METADATA: Message = {
  1: field('name', text),
  2: field('generateName', text),
  3: field('namespace', text),
  11: field('labels', text, 'map'),
  12: field('annotations', text, 'map'),
  13: field('ownerReferences', message(OWNER), 'list'),
  14: field('finalizers', text, 'list'),
};
const metadata = field('metadata', message(METADATA));
const REFERENCE: Message = { 1: field('name', text) };
const KINDS: Readonly<Record<string, Message>> = {
  ConfigMap: {
    1: metadata,
    2: field('data', text, 'map'),
    3: field('binaryData', base64, 'map'),
    4: field('immutable', flag),
  },
  Secret: {
    1: metadata,
    2: field('data', base64, 'map'),
    3: field('type', text),
    4: field('stringData', text, 'map'),
    5: field('immutable', flag),
  },
  ServiceAccount: { 1: metadata, 3: field('imagePullSecrets', message(REFERENCE), 'list') },
  Namespace: { 1: metadata },
};
const TYPE: Message = { 1: field('apiVersion', text), 2: field('kind', text) };
const ENVELOPE: Message = { 1: field('type', message(TYPE)), 2: field('raw', bytesOf) };

/**
 * An object in Kubernetes' protobuf envelope: what kubectl 1.32 and newer send for `create secret` and its like, without
 * a second try in JSON. Only kinds that kubectl creates that way.
 *
 * @throws {ApiError} 415 for another kind, 400 for bytes that cannot be read
 */
export function readProtobuf(body: Uint8Array): JsonObject {
  if (!MAGIC.equals(body.subarray(0, MAGIC.length))) throw badRequest('the protobuf body lacks its envelope');
  const { type, raw } = readMessage(body.subarray(MAGIC.length), ENVELOPE);
  const { apiVersion, kind } = (type ?? {}) as { apiVersion?: string; kind?: string };
  const fields = apiVersion === 'v1' && kind && Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (!fields)
    throw new ApiError(415, 'UnsupportedMediaType', `${kind ?? 'this object'} is understood in JSON only`);
  return { apiVersion, kind, ...readMessage((raw ?? Buffer.alloc(0)) as Uint8Array, fields) };
}

function readMessage(bytes: Uint8Array, fields: Message): JsonObject {
  const result: JsonObject = {};
  for (const [number, value] of parts(bytes)) {
    const known = fields[number];
    if (!known) continue;
    const { name, read, form } = known;
    if (form === 'list') result[name] = [...((result[name] as unknown[] | undefined) ?? []), read(value)];
    else if (form === 'map')
      result[name] = { ...(result[name] as object | undefined), ...readEntry(value, read) };
    else result[name] = read(value);
  }
  return withoutEmpty(result);
}

function readEntry(value: Uint8Array | number, read: Reader): JsonObject {
  const entry = readMessage(bytesOf(value), { 1: field('key', text), 2: field('value', read) });
  const { key = '', value: member = '' } = entry as { readonly key?: string; readonly value?: unknown };
  return Object.fromEntries([[key, member]]);
}

/** Go writes empty texts where JSON leaves the field out. */
const withoutEmpty = (object: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== ''));

function* parts(bytes: Uint8Array): Generator<[number, Uint8Array | number]> {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; shift < 64; shift += 7) {
      const byte = bytes[at];
      if (byte === undefined) throw badRequest('the protobuf body ends too early');
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw badRequest('the protobuf body holds a number that is too long');
  };
  const take = (length: number) => {
    if (at + length > bytes.length) throw badRequest('the protobuf body ends too early');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const [number, wire] = [Math.floor(tag / 8), tag % 8];
    if (wire === WIRE.varint) yield [number, varint()];
    else if (wire === WIRE.bytes) yield [number, take(varint())];
    else if (wire === WIRE.fixed64) take(8);
    else if (wire === WIRE.fixed32) take(4);
    else throw badRequest(`the protobuf body holds wire type ${wire}`);
  }
}
