import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createTurns } from './turns.ts';

/** Turns of a registry `a` and a registry `b`; a key's first letter is its group. */
function world(perGroupMax: number, max: number) {
  const called: string[] = [];
  const turns = createTurns({ perGroupMax, max, call: (key) => void called.push(key) });
  return { called, take: (key: string) => turns.take(key[0] ?? '', key), leave: turns.leave };
}

it('keeps nobody out because of a group that is full', () => {
  const { take } = world(2, 4);

  expect(['a1', 'a2', 'a3', 'b1', 'b2'].map(take)).toEqual([true, true, false, true, true]);
});

it('calls who waited longest, and keeps the place for it', () => {
  const { take, leave, called } = world(1, 4);
  expect(['a1', 'a2', 'a3'].map(take)).toEqual([true, false, false]);

  leave('a1');

  expect(called).toEqual(['a2']);
  expect(['a1', 'a3', 'a2'].map(take)).toEqual([false, false, true]);
});

it('gives nothing back that was not taken', () => {
  const { take, leave, called } = world(1, 1);
  take('a1');
  take('a2');

  leave('a2');
  expect(called).toEqual([]);
  leave('a1');
  expect(called).toEqual(['a2']);
});

it('never lets more in than there are places, and leaves no place free that somebody waits for', () => {
  const key = fc.constantFrom('a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1', 'c2');
  const step = fc.tuple(fc.constantFrom('take', 'leave'), key);
  fc.assert(
    fc.property(
      fc.array(step),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 4 }),
      (steps, each, all) => {
        const { take, leave, called } = world(each, all);
        const inside = new Set<string>();
        const outside = new Set<string>();
        for (const [what, name] of steps) {
          if (what === 'leave') {
            leave(name);
            inside.delete(name);
          } else if (take(name)) inside.add(name);
          else outside.add(name);
          for (const one of called.splice(0)) inside.add(one);
          for (const one of inside) outside.delete(one);
          const inGroup = (group: string) => [...inside].filter((one) => one.startsWith(group)).length;
          const isFull = (one: string) => inside.size >= all || inGroup(one[0] ?? '') >= each;

          expect(inside.size).toBeLessThanOrEqual(all);
          for (const group of ['a', 'b', 'c']) expect(inGroup(group)).toBeLessThanOrEqual(each);
          expect([...outside].filter((one) => !isFull(one))).toEqual([]);
        }
      },
    ),
  );
});
