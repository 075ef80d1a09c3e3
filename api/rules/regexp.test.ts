import fc from 'fast-check';
import { expect, it } from 'vitest';
import { findRegexp, regexpProblem } from './regexp.ts';

it.each([
  { pattern: 'el9', text: '5.14.0.el9.x86_64', found: true, because: 'unanchored' },
  { pattern: '^el9', text: '5.14.0.el9', found: false, because: 'an anchor is honoured' },
  {
    pattern: String.raw`^.+\fc37\.x86_64$`,
    text: '6.0.15-300.fc37.x86_64',
    found: false,
    because: '\\f is a form feed',
  },
  { pattern: '(?i)EL9', text: 'el9', found: true, because: 'RE2 flags' },
  { pattern: '', text: 'anything', found: true, because: 'the empty pattern is everywhere' },
])('finds $pattern in $text: $found, $because', ({ pattern, text, found }) => {
  expect(findRegexp(pattern, text)).toBe(found);
});

it.each(['(', '[', '*', 'a(?=b)', String.raw`(a)\1`, 'a'.repeat(1_025), 'a{1001}'])(
  'says why %.20s does not compile',
  (pattern) => {
    expect(regexpProblem(pattern)).toMatch(/./);
    expect(() => findRegexp(pattern, '')).toThrow(regexpProblem(pattern));
  },
);

it('matches a literal anywhere', () => {
  const plain = fc.stringMatching(/^[a-z0-9]{1,20}$/);
  fc.assert(
    fc.property(plain, plain, plain, (before, literal, after) => {
      expect(findRegexp(literal, `${before}${literal}${after}`)).toBe(true);
    }),
  );
});

it('takes no longer than linear time for patterns that explode in a backtracking engine', () => {
  const text = `${'a'.repeat(2_000)}!`;
  const started = performance.now();
  for (const pattern of ['^(a+)+$', '^(a|aa)+$', '^(.*a){12}$'])
    expect(findRegexp(pattern, text)).toBe(false);
  expect(performance.now() - started).toBeLessThan(2_000);
});

it('stays correct when the cache of compiled patterns runs over', () => {
  for (let number = 0; number < 1_100; number += 1)
    expect(findRegexp(`^k${number}$`, `k${number}`)).toBe(true);
});
