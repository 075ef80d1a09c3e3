import { expect, it } from 'vitest';
import { evaluateRule } from './cel.ts';

it.each([
  ['self > 1', 2, undefined, undefined],
  ['self > 1', 1, undefined, ''],
  ['self == oldSelf', 1, undefined, undefined],
  ['self == oldSelf', 1, 2, ''],
  ["self.matches('^a+$')", 'aa', undefined, undefined],
  ["self.matches('^a+$')", 'b', undefined, ''],
  ["self == '.matches('", '.matches(', undefined, undefined],
])('evaluates %s of %j (before: %j)', (rule, self, old, expected) => {
  expect(evaluateRule(rule, self, old)).toBe(expected);
});

it.each(['self ==', 'self.nothing.more', "self.matches('[')"])(
  'says that "%s" cannot be evaluated',
  (rule) => {
    expect(evaluateRule(rule, 'x')).toContain('cannot be evaluated');
  },
);
