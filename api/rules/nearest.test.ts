import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nearest } from './nearest.ts';

const FIELDS = ['moduleName', 'dirName', 'parameters', 'args', 'rawArgs', 'dra'];

it.each([
  ['moduleNam', 'moduleName'],
  ['modulename', 'moduleName'],
  ['paramaters', 'parameters'],
  ['rawArg', 'rawArgs'],
  ['arg', 'args'],
  ['module', undefined],
  ['dr', undefined],
  ['', undefined],
])('%s is meant to be %s', (word, meant) => {
  expect(nearest(word, FIELDS)).toBe(meant);
});

it('is always a candidate, and the word itself where that is one', () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.string({ maxLength: 64 })), (word, candidates) => {
      const near = nearest(word, candidates);
      expect(near === undefined || candidates.includes(near)).toBe(true);
      if (word.length <= 64) expect(nearest(word, [word])).toBe(word);
    }),
  );
});
