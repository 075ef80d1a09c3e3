import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { tokenFile } from './token-file.ts';

let folder: string;
let nowMs: number;
const put = (token: string) => writeFileSync(join(folder, 'token'), `${token}\n`);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kmm-token-'));
  nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  put('first');
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

it('is read once a minute, however often it is asked for', async () => {
  const source = tokenFile(join(folder, 'token'));

  expect(await source.get()).toEqual({ token: 'first' });
  put('second');
  nowMs = 60_000;
  expect(await source.get()).toEqual({ token: 'first' });
  nowMs = 60_001;
  expect(await source.get()).toEqual({ token: 'second' });
});

it('is read again at once when the server did not accept it', async () => {
  const source = tokenFile(join(folder, 'token'));
  await source.get();
  put('second');

  source.forget();

  expect(await source.get()).toEqual({ token: 'second' });
});

it('stays what it was while there is no file, which is an error only at first', async () => {
  const source = tokenFile(join(folder, 'token'));
  await source.get();
  rmSync(join(folder, 'token'));

  source.forget();

  expect(await source.get()).toEqual({ token: 'first' });
  await expect(tokenFile(join(folder, 'token')).get()).rejects.toThrow('ENOENT');
});
