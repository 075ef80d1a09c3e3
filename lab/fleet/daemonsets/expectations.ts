import type { Clock } from '@kmm-fleet/runtime';

/** Writes whose effect the cache has not shown yet: until it does, the next pass would repeat them. */
export interface Expectations {
  expect(key: string, object: string): void;
  observed(object: string): void;
  /** Nothing is outstanding for this key. */
  met(key: string): boolean;
}

/** A write that is not seen for this long is given up on: the watch lost it, and the next pass decides anew. */
const EXPIRE_MS = 300_000;

export function createExpectations(clock: Clock): Expectations {
  const outstanding = new Map<string, Map<string, number>>();
  return {
    expect(key, object) {
      const objects = outstanding.get(key) ?? new Map<string, number>();
      outstanding.set(key, objects.set(object, clock.now() + EXPIRE_MS));
    },
    observed(object) {
      for (const [key, objects] of outstanding) {
        objects.delete(object);
        if (objects.size === 0) outstanding.delete(key);
      }
    },
    met(key) {
      const objects = outstanding.get(key);
      for (const [object, until] of objects ?? []) if (until <= clock.now()) objects?.delete(object);
      return (objects?.size ?? 0) === 0;
    },
  };
}
