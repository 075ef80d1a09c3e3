import { isObject, type JsonObject, memberSchema, type Schema } from '../schema/structural.ts';
import { itemKey, listTypeOf } from './list-types.ts';

/** Leaf fields of an object as paths in the notation of managedFields: `f:name`, `k:{…}`, `v:…`. */
export type FieldSet = Map<string, readonly string[]>;

const IDENTITY = new Set(['apiVersion', 'kind']);
const META_IDENTITY = new Set([
  ...['name', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'managedFields'],
  ...['deletionTimestamp', 'deletionGracePeriodSeconds', 'generateName', 'selfLink'],
]);

/** All leaf fields that an object sets, identity left out. */
export function fieldsOf(object: JsonObject, schema: Schema | undefined, isCustom: boolean): FieldSet {
  const fields: FieldSet = new Map();
  const add = (path: readonly string[]) => fields.set(path.join('\0'), path);
  const walk = (value: unknown, path: readonly string[], field: string, at: Schema | undefined) => {
    if (isObject(value) && at?.['x-kubernetes-map-type'] !== 'atomic') {
      const members = Object.entries(value).filter(([, member]) => member !== undefined);
      if (members.length === 0 && path.length > 0) add(path);
      for (const [name, member] of members) {
        if (path.length === 0 && IDENTITY.has(name)) continue;
        if (path.length === 1 && path[0] === 'f:metadata' && META_IDENTITY.has(name)) continue;
        walk(member, [...path, `f:${name}`], name, memberSchema(at, name));
      }
    } else if (Array.isArray(value)) walkList(value, path, field, at);
    else add(path);
  };
  const walkList = (
    list: readonly unknown[],
    path: readonly string[],
    field: string,
    at: Schema | undefined,
  ) => {
    const type = listTypeOf(field, at, isCustom);
    if (type.type === 'atomic' || list.length === 0) add(path);
    else if (type.type === 'set') for (const item of list) add([...path, `v:${JSON.stringify(item)}`]);
    else {
      for (const item of list) {
        const itemPath = [...path, `k:${itemKey(item, type.keys)}`];
        add([...itemPath, '.']);
        walk(item, itemPath, field, at?.items);
      }
    }
  };
  walk(object, [], '', schema);
  return fields;
}

/** FieldsV1 of managedFields from leaf paths. */
export function toFieldsV1(fields: FieldSet): JsonObject {
  const root: JsonObject = {};
  for (const path of [...fields.values()].sort((a, b) => (a.join() < b.join() ? -1 : 1))) {
    let node = root;
    for (const part of path) node = (node[part] ??= {}) as JsonObject;
  }
  return root;
}

/** The reverse: leaves of FieldsV1. */
export function fromFieldsV1(fieldsV1: JsonObject): FieldSet {
  const fields: FieldSet = new Map();
  const walk = (node: JsonObject, path: readonly string[]) => {
    const members = Object.entries(node);
    if (members.length === 0 && path.length > 0) fields.set(path.join('\0'), path);
    for (const [part, child] of members) walk(child as JsonObject, [...path, part]);
  };
  walk(fieldsV1, []);
  return fields;
}

/** The value at a leaf path, or undefined. */
export function valueAt(object: unknown, path: readonly string[]): unknown {
  let value = object;
  for (const part of path) {
    if (part === '.') return value === undefined ? undefined : true;
    value = step(value, part);
    if (value === undefined) return undefined;
  }
  return value;
}

function step(value: unknown, part: string): unknown {
  const text = part.slice(2);
  if (part.startsWith('f:')) return isObject(value) ? value[text] : undefined;
  if (!Array.isArray(value)) return undefined;
  if (part.startsWith('v:')) return value.find((item) => JSON.stringify(item) === text);
  const key = JSON.parse(text) as JsonObject;
  return value.find(
    (item) => isObject(item) && Object.entries(key).every(([name, wanted]) => item[name] === wanted),
  );
}

/** The object without one leaf; parents that become empty go with it. Returns a new object. */
export function withoutField(object: JsonObject, path: readonly string[]): JsonObject {
  return (removeAt(object, path) ?? {}) as JsonObject;
}

function removeAt(value: unknown, path: readonly string[]): unknown {
  const [part = '', ...rest] = path;
  if (path.length === 0) return undefined;
  if (part === '.') return value;
  if (part.startsWith('f:')) return removeMember(value, part.slice(2), rest);
  if (!Array.isArray(value)) return value;
  const target = step(value, part);
  const isWholeItem = rest.length === 0 || (rest.length === 1 && rest[0] === '.');
  if (isWholeItem) return orUndefined(value.filter((item) => item !== target));
  return value.map((item: unknown) => (item === target ? (removeAt(item, rest) ?? {}) : item));
}

function removeMember(value: unknown, name: string, rest: readonly string[]): unknown {
  if (!isObject(value) || !(name in value)) return value;
  const { [name]: member, ...others } = value;
  const left = removeAt(member, rest);
  const next = left === undefined ? others : { ...others, [name]: left };
  return Object.keys(next).length > 0 ? next : undefined;
}

const orUndefined = (list: readonly unknown[]) => (list.length > 0 ? list : undefined);
