/** Specs that are kept at once: works of some hundred modules and kernels. */
const KEPT_MAX = 512;

/**
 * Makes equal values one object in memory. Works of one module are alike on thousands of clusters, so a hub keeps what
 * they say once. Oldest values are forgotten first; then equal ones are two objects again, and no less right.
 */
export function createSharing(keptMax = KEPT_MAX): <T>(value: T) => T {
  const kept = new Map<string, unknown>();
  return <T>(value: T): T => {
    const text = JSON.stringify(value);
    if (text === undefined) return value;
    const known = kept.get(text);
    if (known !== undefined) return known as T;
    const [oldest] = kept.size >= keptMax ? kept.keys() : [];
    if (oldest !== undefined) kept.delete(oldest);
    kept.set(text, value);
    return value;
  };
}
