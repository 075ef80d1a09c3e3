import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isTrue, type NextCondition, setConditions } from './conditions.ts';

const ready = { type: 'Ready', status: 'True', reason: 'AllReady', message: 'all ready' } as const;
const [before, after] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];
const at = (time: string) => ({ ...ready, lastTransitionTime: time });

it.each([
  { name: 'adds', old: undefined, next: [ready], expected: [at(after)] },
  {
    name: 'keeps the time when only words change',
    old: [at(before)],
    next: [{ ...ready, message: 'yes' }],
    expected: [{ ...at(before), message: 'yes' }],
  },
  {
    name: 'moves the time with the status',
    old: [at(before)],
    next: [{ ...ready, status: 'False' as const }],
    expected: [{ ...at(after), status: 'False' }],
  },
  {
    name: 'keeps conditions of others',
    old: [{ ...at(before), type: 'Other' }],
    next: [ready],
    expected: [{ ...at(before), type: 'Other' }, at(after)],
  },
])('$name', ({ old, next, expected }) => {
  expect(setConditions(old, next, after)).toEqual(expected);
});

const next = fc.uniqueArray(
  fc.record({
    type: fc.constantFrom('Ready', 'Progressing', 'Degraded'),
    status: fc.constantFrom('True', 'False', 'Unknown'),
    reason: fc.constantFrom('A', 'B'),
    message: fc.constantFrom('', 'words'),
  }),
  { selector: ({ type }) => type },
);

it('returns the same array when nothing changed, sorted by type', () => {
  fc.assert(
    fc.property(next, (conditions: readonly NextCondition[]) => {
      const once = setConditions(undefined, conditions, before);
      expect(setConditions(once, conditions, after)).toBe(once);
      expect(once.map(({ type }) => type)).toEqual(conditions.map(({ type }) => type).sort());
    }),
  );
});

it('tells whether a condition is True', () => {
  expect([isTrue([ready], 'Ready'), isTrue([ready], 'Other'), isTrue(undefined, 'Ready')]).toEqual([
    true,
    false,
    false,
  ]);
});
