import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeServerCertificates, type ServerCertificates } from '../certificates.ts';
import { installPrograms } from '../requirements.ts';
import type { Part } from './program.ts';
import { startPlane } from './start-plane.ts';

let folder: string;
let certificates: ServerCertificates;
beforeEach(async () => {
  await installPrograms(['openssl'], () => {});
  folder = mkdtempSync(join(tmpdir(), 'kmm-plane-'));
  certificates = await makeServerCertificates(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Starts a plane whose programs are shell scripts; etcd writes its process id and arguments, and lives on. */
function start(apiserver: string) {
  const etcd = `echo $$ > ${join(folder, 'pid')}; echo "$@" > ${join(folder, 'args')}; exec sleep 600`;
  const programs = (part: Part): [string] => {
    writeFileSync(join(folder, part), `#!/bin/sh\n${part === 'etcd' ? etcd : apiserver}\n`, { mode: 0o755 });
    return [join(folder, part)];
  };
  return startPlane({ name: 'p', directory: folder, certificates, programs });
}

function expectNothingLeft(): void {
  const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  const [, data = ''] = /--data-dir=(\S+)/.exec(readFileSync(join(folder, 'args'), 'utf8')) ?? [];
  expect(() => readdirSync(data)).toThrow('ENOENT');
}

it('a plane that cannot start says why in the words of the server, and leaves nothing behind', async () => {
  // Slow enough for etcd to have begun.
  const script = 'sleep 0.5; echo "bind: address already in use" >&2; exit 1';

  await expect(start(script)).rejects.toThrow(/^kube-apiserver ended with code 1:\n.*address already in use/);

  expectNothingLeft();
});
