import fc from 'fast-check';
import { expect, it } from 'vitest';
import { matchesSelector } from './selector.ts';

it.each([
  { selector: {}, labels: undefined, matches: true },
  { selector: { a: '1' }, labels: { a: '1', b: '2' }, matches: true },
  { selector: { a: '1' }, labels: { a: '2' }, matches: false },
  { selector: { a: '' }, labels: {}, matches: false },
  { selector: { a: '1' }, labels: undefined, matches: false },
])('$selector on $labels: $matches', ({ selector, labels, matches }) => {
  expect(
    matchesSelector(selector as Record<string, string>, labels as Record<string, string> | undefined),
  ).toBe(matches);
});

it('matches every part of the labels', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string()), fc.nat(), (labels, count) => {
      const part = Object.fromEntries(Object.entries(labels).slice(0, count));
      expect(matchesSelector(part, labels)).toBe(true);
    }),
  );
});
