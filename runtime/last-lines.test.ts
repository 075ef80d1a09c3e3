import fc from 'fast-check';
import { expect, it } from 'vitest';
import { lastLines } from './last-lines.ts';

it.each([
  ['a short text is kept whole', 'one\ntwo', 20, 'one\ntwo'],
  ['a line that does not fit is left out', 'first line\nsecond\nthird', 15, 'second\nthird'],
  ['a text of one line is cut', 'x'.repeat(30), 10, 'x'.repeat(10)],
  ['a long line is cut rather than left out', `${'y'.repeat(2_000)}\nend`, 1_000, `${'y'.repeat(996)}\nend`],
])('%s', (_rule, text, charsMax, expected) => {
  expect(lastLines(text, charsMax)).toBe(expected);
});

it('is the end of the text and never longer than asked', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', 'b', '\n') }),
      fc.integer({ min: 1, max: 40 }),
      (text, max) => {
        const kept = lastLines(text, max);
        expect(text.endsWith(kept)).toBe(true);
        expect(kept.length).toBeLessThanOrEqual(max);
      },
    ),
  );
});
