import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openBuildLog, tellingLines } from './build-log.ts';
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

it('keeps a file of its own for each image, however alike their names are and however long', () => {
  const directory = mkdtempSync(join(tmpdir(), 'kmm-logs-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const targets = [
    'r.test/a/b:1',
    'r.test/a_b:1',
    'r.test/a:b_1',
    `r.test/${'a/'.repeat(100)}b:${'1'.repeat(128)}`,
  ];

  for (const target of [...targets, ...targets])
    openBuildLog({ directory, readLog: (file) => file }, { target, secrets: [] }).close();

  expect(readdirSync(directory)).toHaveLength(targets.length);
});
