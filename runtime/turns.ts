/** Places for keys, so many per group and in all. A key that finds none waits for its turn, and nobody waits with it. */
export interface Turns {
  /** True when the key has a place now; false: it is called once it has one. */
  take(group: string, key: string): boolean;
  /** Gives the place of a key back, if it has one. */
  leave(key: string): void;
}

/** @param call told when a key that waited has got its place, which it keeps until it leaves */
export function createTurns(options: {
  readonly perGroupMax: number;
  readonly max: number;
  readonly call: (key: string) => void;
}): Turns {
  const { perGroupMax, max, call } = options;
  const held = new Map<string, string>();
  /** In order of arrival. */
  const waiting = new Map<string, string>();
  const counts = new Map<string, number>();
  const countOf = (group: string) => counts.get(group) ?? 0;
  const hasRoom = (group: string) => held.size < max && countOf(group) < perGroupMax;

  const hold = (group: string, key: string) => {
    held.set(key, group);
    counts.set(group, countOf(group) + 1);
  };

  return {
    take(group, key) {
      if (held.has(key)) return true;
      // Places are handed over when they become free, so a free one is nobody's turn.
      if (!hasRoom(group)) {
        waiting.set(key, group);
        return false;
      }
      waiting.delete(key);
      hold(group, key);
      return true;
    },
    leave(key) {
      const group = held.get(key);
      if (group === undefined) return;
      held.delete(key);
      if (countOf(group) === 1) counts.delete(group);
      else counts.set(group, countOf(group) - 1);
      for (const [next, wanted] of waiting) {
        if (!hasRoom(wanted)) continue;
        waiting.delete(next);
        hold(wanted, next);
        call(next);
      }
    },
  };
}
