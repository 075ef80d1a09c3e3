import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeMortalFolder } from './mortal-folder.ts';

let parent: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'kmm-mortal-'));
});
afterEach(() => rmSync(parent, { recursive: true }));

const ended = () => spawnSync('true').pid;

it('takes away what processes left that are gone, and nothing else', () => {
  const kept = [
    `kmm-x-${process.ppid}-abcdef`,
    `kmm-other-${ended()}-abcdef`,
    `kmm-x-${ended()}`,
    `kmm-x-y-${ended()}-abcdef`,
    'kmm-x-abcdef',
  ];
  for (const name of [...kept, `kmm-x-${ended()}-abcdef`, `kmm-x-${ended()}-ghijkl`]) {
    mkdirSync(join(parent, name, 'data'), { recursive: true });
    writeFileSync(join(parent, name, 'data', 'file'), 'x');
  }

  const made = makeMortalFolder(parent, 'kmm-x');

  expect(readdirSync(parent).sort()).toEqual([...kept, basename(made)].sort());
});

it('makes each folder anew, also for one process', () => {
  const [first, second] = [makeMortalFolder(parent, 'kmm-x'), makeMortalFolder(parent, 'kmm-x')];

  expect(second).not.toBe(first);
  expect(readdirSync(parent)).toHaveLength(2);
});
