import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { cacheDir } from './cache-dir.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kmm-cache-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

it('makes what is missing of KMM_CACHE, and finds it again', () => {
  vi.stubEnv('KMM_CACHE', join(folder, 'a', 'b'));

  expect(cacheDir('c', 'd')).toBe(join(folder, 'a', 'b', 'c', 'd'));
  expect(statSync(cacheDir('c', 'd')).isDirectory()).toBe(true);
});

it('says which folder cannot be used and what to set', () => {
  vi.stubEnv('KMM_CACHE', '/proc/nope');

  expect(() => cacheDir('c')).toThrow(/cache \/proc\/nope cannot be used: .*Set KMM_CACHE/);
});
