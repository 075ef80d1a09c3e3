import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemIo } from './io.ts';

const folder = mkdtempSync(join(tmpdir(), 'kmm-io-test-'));
const { files } = systemIo();
const inFolder = (...names: string[]) => names.map((name) => join(folder, name));

beforeAll(() => {
  mkdirSync(join(folder, 'deep', 'er.yaml'), { recursive: true });
  mkdirSync(join(folder, 'empty'));
  for (const name of ['b.yaml', 'a.json', 'notes.md', 'deep/c.yml', 'deep/er.yaml/d.yaml'])
    writeFileSync(join(folder, name), '');
  symlinkSync(folder, join(folder, 'deep', 'loop'));
});
afterAll(() => rmSync(folder, { recursive: true }));

it.each([
  ['a folder without those in it', folder, false, inFolder('a.json', 'b.yaml')],
  [
    'a folder and those in it, but no link to one',
    folder,
    true,
    inFolder('a.json', 'b.yaml', 'deep/c.yml', 'deep/er.yaml/d.yaml'),
  ],
  ['a folder that holds none', join(folder, 'empty'), true, []],
  ['a file, whatever it is called', join(folder, 'notes.md'), false, inFolder('notes.md')],
  ['what is not there, for whoever reads it', '/none.yaml', true, ['/none.yaml']],
])('finds the manifests of %s', (_what, name, recursive, expected) => {
  expect(files(name, recursive)).toEqual(expected);
});
