import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseFieldSelector, parseLabelSelector } from './selectors.ts';

it.each([
  ['', {}, true],
  ['a', { a: '' }, true],
  ['!a', {}, true],
  ['a=b', { a: 'b' }, true],
  ['a==b', { a: 'c' }, false],
  ['a!=b', {}, true],
  ['a!=b', { a: 'b' }, false],
  ['a=', { a: '' }, true],
  ['a in (b, c)', { a: 'c' }, true],
  ['a in (b)', {}, false],
  ['a notin (b)', {}, true],
  ['a notin (b),x=y', { x: 'z' }, false],
  ['constructor', {}, false],
  ['toString=x', {}, false],
])('reads the label selector "%s": %j matches, %s', (selector, labels, expected) => {
  expect(parseLabelSelector(selector)(labels as Record<string, string>)).toBe(expected);
});

it.each(['a=b=c d', 'a in b', '=', '(a)'])('refuses the label selector "%s"', (selector) => {
  expect(() => parseLabelSelector(selector)).toThrow('unable to parse');
});

const word = fc.stringMatching(/^[a-z]{1,5}$/);

it('finds a label exactly when its negation does not', () => {
  fc.assert(
    fc.property(word, word, fc.dictionary(word, word), (key, value, labels) => {
      for (const [yes, no] of [
        [`${key}=${value}`, `${key}!=${value}`],
        [key, `!${key}`],
        [`${key} in (${value})`, `${key} notin (${value})`],
      ] as const)
        expect(parseLabelSelector(yes)(labels)).toBe(!parseLabelSelector(no)(labels));
    }),
  );
});

it('reads field selectors of fields that servers index, and refuses others', () => {
  const pod = { metadata: { name: 'a' }, spec: { nodeName: 'n' } };

  expect(parseFieldSelector('metadata.name=a,spec.nodeName!=m', 'Pod')(pod)).toBe(true);
  expect(parseFieldSelector('status.phase=', 'Pod')(pod)).toBe(true);
  expect(() => parseFieldSelector('spec.nodeName=n', 'Secret')).toThrow('not supported');
});
