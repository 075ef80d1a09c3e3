import { isObject, type JsonObject } from '../schema/structural.ts';
import { itemKey, listTypeOf } from './list-types.ts';

/** kubectl's patch for built-in kinds: like a merge patch, but lists whose items have names are merged by name. */
export function strategicMerge(target: unknown, patch: unknown, field = ''): unknown {
  if (Array.isArray(patch)) return mergeList(Array.isArray(target) ? target : [], patch, field);
  if (!isObject(patch)) return patch;
  if (patch['$patch'] === 'replace') return withoutDirectives(patch);
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith('$deleteFromPrimitiveList/')) {
      const list = name.slice('$deleteFromPrimitiveList/'.length);
      const gone = value as unknown[];
      merged[list] = ((merged[list] as unknown[] | undefined) ?? []).filter((item) => !gone.includes(item));
    } else if (name.startsWith('$')) continue;
    else if (value === null) delete merged[name];
    else merged[name] = strategicMerge(merged[name], value, name);
  }
  return merged;
}

function mergeList(target: readonly unknown[], patch: readonly unknown[], field: string): unknown[] {
  const type = listTypeOf(field, undefined, false);
  if (type.type === 'set') return [...new Set([...target, ...patch])];
  if (type.type === 'atomic') return [...patch];
  const merged = new Map(target.map((item) => [itemKey(item, type.keys), item]));
  for (const item of patch) {
    const key = itemKey(item, type.keys);
    if (isObject(item) && item['$patch'] === 'delete') merged.delete(key);
    else merged.set(key, strategicMerge(merged.get(key), item));
  }
  return [...merged.values()];
}

function withoutDirectives(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !name.startsWith('$')));
}
