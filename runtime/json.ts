/** JSON values compared, merged and written in one canonical way. */

type JsonObject = Record<string, unknown>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A member of its own: names like `constructor` must not find what every object inherits. */
const member = (object: JsonObject, key: string): unknown =>
  Object.hasOwn(object, key) ? object[key] : undefined;

/** Equality of JSON values: key order does not count, an undefined member equals an absent one. */
export function deepEqual(left: unknown, right: unknown): boolean {
  return isEqual(left, right, (value) => value);
}

/** The same for values of which some servers store `null` where others store nothing. */
export function equalButForNulls(left: unknown, right: unknown): boolean {
  return isEqual(left, right, (value) => value ?? undefined);
}

function isEqual(left: unknown, right: unknown, read: (value: unknown) => unknown): boolean {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right))
    return left.length === right.length && left.every((item, index) => isEqual(item, right[index], read));
  if (!isObject(left) || !isObject(right)) return false;
  return (
    Object.keys(left).every((key) => isEqual(read(left[key]), read(member(right, key)), read)) &&
    Object.keys(right).every((key) => Object.hasOwn(left, key) || read(right[key]) === undefined)
  );
}

/**
 * Whether everything in `desired` stands in `observed` already; what others added does not count. Lists must have
 * the same length. When true, a server-side apply of `desired` would change nothing.
 */
export function isSubset(desired: unknown, observed: unknown): boolean {
  if (desired === observed) return true;
  if (Array.isArray(desired)) {
    if (!Array.isArray(observed) || desired.length !== observed.length) return false;
    return desired.every((item, index) => isSubset(item, observed[index]));
  }
  if (!isObject(desired)) return desired === undefined;
  if (!isObject(observed)) return false;
  return Object.entries(desired).every(([key, value]) => isSubset(value, member(observed, key)));
}

/** JSON with sorted keys: equal values give equal text, so it can be hashed. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

/** RFC 7386: null removes, objects merge, all else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else if (value !== undefined) merged.set(key, mergePatch(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}
