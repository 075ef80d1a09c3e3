import { expect, test } from 'vitest';
import { answerIn } from './serial-shell.ts';

test.each([
  ['nothing yet', '', '1', undefined],
  ['output without an end', 'loaded\r\n', '1', undefined],
  ['an end that is cut off', 'loaded\r\nGUEST EXIT 1', '1', undefined],
  ['output and a code', 'loaded\r\nGUEST EXIT 1 0\r\n', '1', { code: 0, output: 'loaded' }],
  ['a code alone', 'GUEST EXIT 7 255\n', '7', { code: 255, output: '' }],
  ['the answer of an earlier command that was given up', 'late\r\nGUEST EXIT 1 0\r\n', '2', undefined],
  ['that, and its own', 'late\nGUEST EXIT 1 0\nown\nGUEST EXIT 2 3\n', '2', { code: 3, output: 'own' }],
  ['a number that begins as its own does', 'x\nGUEST EXIT 12 0\n', '1', undefined],
])('a command has the answer with its own number: %s', (_what, heard, command, answer) => {
  expect(answerIn(heard, command)).toEqual(answer);
});
