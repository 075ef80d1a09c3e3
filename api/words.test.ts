import fc from 'fast-check';
import { expect, it } from 'vitest';
import { asSentence, counted, lastWords } from './words.ts';

it.each([
  [counted(0, 'node'), '0 nodes'],
  [counted(1, 'node'), '1 node'],
  [counted(2, 'node'), '2 nodes'],
  [counted(1, 'module is', 'modules are'), '1 module is'],
  [counted(3, 'module is', 'modules are'), '3 modules are'],
])('puts a number and what is counted together: %s', (words, expected) => {
  expect(words).toBe(expected);
});

it.each([
  ['exit status 3', 'exit status 3.'],
  ['Module nosuch not found.\n', 'Module nosuch not found.'],
  ['Is it there?', 'Is it there?'],
  ['', ''],
])('ends the words of somebody else as a sentence: %j', (words, sentence) => {
  expect(asSentence(words)).toBe(sentence);
});

it('leaves a sentence as it is', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const sentence = asSentence(text);
      expect(asSentence(sentence)).toBe(sentence);
    }),
  );
});

it.each([
  [
    'says the cause before what came of it',
    'cc x.c\nsh: mkae: not found\nexit status 127\n',
    'The build failed: exit status 127.',
    'cc x.c | sh: mkae: not found. ',
  ],
  ['says nothing twice', 'exit status 127\n', 'The build failed: exit status 127.', ''],
  ['says three lines at most', 'a\nb\nc\nd', '', 'b | c | d. '],
  ['says nothing of no log', undefined, 'It failed.', ''],
  ['says nothing of an empty log', ' \n\n', 'It failed.', ''],
])('%s', (_rule, log, message, words) => {
  expect(lastWords(log, message)).toBe(words);
});
