import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { buildGo } from './build-go.ts';

let folder: string;
const program = () => ({ name: 'tool', what: 'a tool', folder: join(folder, 'sources') });
const cached = () => readdirSync(join(folder, 'cache', 'planes'));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kmm-go-'));
  for (const name of ['bin', 'sources', 'cache']) mkdirSync(join(folder, name));
  mkdirSync(join(folder, 'cache', 'planes'));
  writeFileSync(join(folder, 'sources', 'go.mod'), 'module tool\n');
  vi.stubEnv('KMM_CACHE', join(folder, 'cache'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** A tool chain that answers as told; its builds write `built`, or fail halfway. */
function installGo(version: string, build = 'ok'): void {
  const script = `#!/bin/sh
case "$1" in
version) echo 'go version go${version} linux/amd64' ;;
build)
  while [ "$1" != -o ]; do shift; done
  echo built > "$2"
  [ ${build} = ok ] || { echo 'disk full' >&2; exit 1; } ;;
esac
`;
  writeFileSync(join(folder, 'bin', 'go'), script, { mode: 0o755 });
  vi.stubEnv('PATH', [join(folder, 'bin'), process.env['PATH']].join(delimiter));
}

it('without Go, one line says what to install, and nothing is built', async () => {
  vi.stubEnv('PATH', join(folder, 'bin'));

  await expect(buildGo(program(), () => {})).rejects.toThrow(
    /^No Go tool chain was found\. Install Go 1\.26 or newer, or set KUBEBUILDER_ASSETS [^\n]*$/,
  );
  expect(cached()).toEqual([]);
});

it('a Go that is too old is named', async () => {
  installGo('1.21.0');

  await expect(buildGo(program(), () => {})).rejects.toThrow(/go1\.21\.0 linux\/amd64 is too old\. Install/);
});

it('a program is built once per sources and version of Go', async () => {
  installGo('1.26.1');
  const told: string[] = [];
  const build = () => buildGo(program(), (line) => told.push(line));

  const path = await build();
  expect(readFileSync(path, 'utf8')).toBe('built\n');
  expect([await build(), told.length]).toEqual([path, 1]);
  writeFileSync(join(folder, 'sources', 'go.mod'), 'module other\n');
  expect(await build()).not.toBe(path);
});

it('a build that fails halfway leaves nothing that a later one would take for whole', async () => {
  installGo('1.26.1', 'fails');

  await expect(buildGo(program(), () => {})).rejects.toThrow('disk full');

  expect(cached()).toEqual([]);
});

it('what a killed build left is cleared away, but not that of one that may still run', async () => {
  installGo('1.26.1');
  for (const name of ['.build-dead', '.build-alive']) mkdirSync(join(folder, 'cache', 'planes', name));
  utimesSync(join(folder, 'cache', 'planes', '.build-dead'), 1, 1);

  await buildGo(program(), () => {});

  expect(cached()).toEqual(['.build-alive', expect.stringMatching(/^tool-/)]);
});
