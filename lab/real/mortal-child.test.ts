import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { spawnMortal, stopChild } from './mortal-child.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kmm-mortal-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

it('says in the log why a program was not started, and has ended then', async () => {
  const log = join(directory, 'log');
  const child = spawnMortal('/opt/etcd', [], log, { PATH: directory });

  await stopChild(child);

  expect(readFileSync(log, 'utf8')).toBe(
    '/opt/etcd was not started: spawn setpriv ENOENT; setpriv is part of util-linux.\n',
  );
  expect(child.exitCode).toBeLessThan(0);
  await stopChild(child);
});
