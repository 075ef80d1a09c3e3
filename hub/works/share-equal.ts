import { hash } from 'node:crypto';

/**
 * Makes equal values one object in memory. Works of one module are alike on thousands of clusters, so a hub keeps what
 * they say once. A value that nobody else holds any more is not kept either.
 */
export function createSharing(): <T extends object>(value: T) => T {
  const known = new Map<string, WeakRef<object>>();
  const forget = new FinalizationRegistry<string>((key) => {
    // Another one may have come in its place meanwhile.
    if (known.get(key)?.deref() === undefined) known.delete(key);
  });
  return <T extends object>(value: T): T => {
    const key = hash('sha256', JSON.stringify(value), 'base64');
    const same = known.get(key)?.deref();
    if (same) return same as T;
    known.set(key, new WeakRef(value));
    forget.register(value, key);
    return value;
  };
}
