import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createSystems } from './systems.ts';

const system = (kernel: string) => ({ kernel, version: '412.86.1-0' });

it('calls when a pair comes that nobody told before, and when the last that told one is gone', () => {
  const systems = createSystems();
  let calls = 0;
  systems.onChange(() => (calls += 1));
  const callsOf = (source: string, ...kernels: string[]) => {
    const before = calls;
    systems.set(source, kernels.map(system));
    return calls - before;
  };

  expect(callsOf('a', '4.18.0')).toBe(1);
  expect(callsOf('b', '4.18.0')).toBe(0);
  expect(callsOf('b', '4.18.0', '5.14.0')).toBe(1);
  expect(callsOf('a')).toBe(0);
  expect(callsOf('a')).toBe(0);
  expect(callsOf('b', '5.14.0')).toBe(1);
  expect(systems.all()).toEqual([system('5.14.0')]);
});

it('equals a recount after any history', () => {
  const event = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.array(fc.constantFrom('4', '5', '6')));
  fc.assert(
    fc.property(fc.array(event), (events) => {
      const systems = createSystems();
      const told = new Map<string, readonly string[]>();
      for (const [source, kernels] of events) {
        systems.set(source, kernels.map(system));
        told.set(source, kernels);
      }
      const expected = [...new Set([...told.values()].flat())].sort();
      expect(
        systems
          .all()
          .map(({ kernel }) => kernel)
          .sort(),
      ).toEqual(expected);
    }),
  );
});
