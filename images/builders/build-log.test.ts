import { expect, it } from 'vitest';
import { tellingLines } from './build-log.ts';
import { LOG_CHARS_MAX } from './builder.ts';

it.each([
  [
    'a step speaks before buildah does',
    'boom\nsubprocess exited with status 3\nError: building\n',
    'boom\nError: building\n',
  ],
  [
    'an unknown instruction',
    'Error: Unknown instruction: &imagebuilder.Step{Env:[]string{}}',
    'Error: Unknown instruction: a step that it does not know',
  ],
  [
    'a long log begins with a whole line',
    `cut\n${'x\n'.repeat(LOG_CHARS_MAX / 2 - 3)}end\n`,
    `${'x\n'.repeat(LOG_CHARS_MAX / 2 - 3)}end\n`,
  ],
  ['one endless line is cut', 'x'.repeat(2 * LOG_CHARS_MAX), 'x'.repeat(LOG_CHARS_MAX)],
])('%s', (_what, text, expected) => {
  expect(tellingLines(text)).toBe(expected);
});
