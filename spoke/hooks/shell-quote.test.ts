import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shellCommand, shellQuote } from './shell-quote.ts';

/** What a real shell reads, one word after another, each closed by a NUL. */
const read = (words: readonly string[]): string[] => {
  const script = `printf '%s\\0' ${shellCommand(words)}`;
  return execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
};

it.each([
  ['-v', '-v'],
  ['/opt', '/opt'],
  ['', "''"],
  ['a b', "'a b'"],
  ["it's", String.raw`'it'\''s'`],
  ['$(reboot)', "'$(reboot)'"],
  ['~', "'~'"],
])('quotes %j as %s', (word, quoted) => {
  expect(shellQuote(word)).toBe(quoted);
});

it('a real shell reads every word back as it was, whatever is in it', () => {
  const word = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', ''));
  const nasty = fc.constantFrom(
    "'",
    '"',
    '$x',
    '`id`',
    '\\',
    '\n',
    ';',
    '&& reboot',
    '*',
    '#',
    '!',
    '-',
    '~',
    '{}',
  );
  const words = fc.array(fc.oneof(word, nasty), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(words, (list) => {
      expect(read(list)).toEqual(list);
    }),
    { numRuns: 60 },
  );
});
