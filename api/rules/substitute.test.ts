import fc from 'fast-check';
import { expect, it } from 'vitest';
import { substitute } from './substitute.ts';

const variables = { KERNEL_VERSION: '6.1.0', MOD_NAME: 'kmod', EMPTY: '' };

it.each([
  ['$MOD_NAME:$KERNEL_VERSION', 'kmod:6.1.0'],
  ['${MOD_NAME}x', 'kmodx'],
  ['$MOD_NAMEx', ''],
  ['a${UNSET}b', 'ab'],
  ['${UNSET:-word}', 'word'],
  ['${EMPTY:-word}', 'word'],
  ['${EMPTY-word}', ''],
  ['${UNSET-word}', 'word'],
  ['${UNSET:=word}', 'word'],
  ['${UNSET=word}', 'word'],
  ['${MOD_NAME:+word}', 'word'],
  ['${EMPTY:+word}', ''],
  ['${EMPTY+word}', 'word'],
  ['${UNSET+word}', ''],
  ['$$MOD_NAME', '$MOD_NAME'],
  ['${constructor}', ''],
  ['${unclosed', '${unclosed'],
  ['cost: 5$', 'cost: 5$'],
])('%s becomes %j', (template, text) => {
  expect(substitute(template, variables)).toBe(text);
});

it('leaves text without a dollar sign as it is', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const plain = text.replaceAll('$', '');
      expect(substitute(plain, variables)).toBe(plain);
    }),
  );
});

it('puts a value in as it is, even when it looks like a template', () => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      expect(substitute('<${NAME}>', { NAME: value })).toBe(`<${value}>`);
    }),
  );
});
