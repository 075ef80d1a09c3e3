import { globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
function start(apiserver: string, manager?: string) {
  const etcd = `echo $$ > ${join(folder, 'pid')}; echo "$@" > ${join(folder, 'args')}; exec sleep 600`;
  const scripts: Partial<Record<Part, string>> = { etcd, 'kube-apiserver': apiserver };
  if (manager) scripts['kube-controller-manager'] = manager;
  const programs = (part: Part): [string] => {
    writeFileSync(join(folder, part), `#!/bin/sh\n${scripts[part]}\n`, { mode: 0o755 });
    return [join(folder, part)];
  };
  const parts = manager ? (['kube-controller-manager'] as const) : [];
  return startPlane({ name: 'p', directory: folder, certificates, programs, parts });
}

/** A shell's words for a server that says yes to everybody, at the port of its arguments. */
function yesServer(certificate = '$tls_cert_file', key = '$tls_private_key_file'): string {
  const script = join(folder, 'yes.cjs');
  writeFileSync(
    script,
    `const [port, cert, key] = process.argv.slice(2);
     const read = require('node:fs').readFileSync;
     const yes = (_, answer) => answer.end('ok');
     require('node:https').createServer({ cert: read(cert), key: read(key) }, yes).listen(port, '127.0.0.1');`,
  );
  const readFlags = `for flag; do case $flag in
    --secure-port=*) secure_port=\${flag#*=};;
    --tls-cert-file=*) tls_cert_file=\${flag#*=};;
    --tls-private-key-file=*) tls_private_key_file=\${flag#*=};;
  esac; done`;
  return `${readFlags}\nexec "${process.execPath}" ${script} $secure_port "${certificate}" "${key}"`;
}

/** '' of a process that has ended meanwhile. */
function commandOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

function expectNothingLeft(): void {
  const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  const commands = globSync('/proc/[0-9]*/cmdline').map(commandOf);
  expect(commands.filter((command) => command.includes(folder))).toEqual([]);
  const [, data = ''] = /--data-dir=(\S+)/.exec(readFileSync(join(folder, 'args'), 'utf8')) ?? [];
  expect(() => readdirSync(data)).toThrow('ENOENT');
}

it('a plane that cannot start says why in the words of the server, and leaves nothing behind', async () => {
  // Slow enough for etcd to have begun.
  const script = 'sleep 0.5; echo "bind: address already in use" >&2; exit 1';

  await expect(start(script)).rejects.toThrow(/^kube-apiserver ended with code 1:\n.*address already in use/);

  expectNothingLeft();
});

it('a plane whose parts answer with its certificate is ready', async () => {
  const plane = await start(yesServer(), yesServer());
  await plane.stop();

  expectNothingLeft();
});

it('a stranger who answers at the port of a part is not taken for it', async () => {
  const theirs = join(folder, 'theirs');
  mkdirSync(theirs);
  const { cert, key } = (await makeServerCertificates(theirs)).server;
  const stranger = `${yesServer(cert, key)} & server=$!
sleep 2; kill $server
echo "listen tcp 127.0.0.1:$secure_port: bind: address already in use" >&2; exit 1`;

  await expect(start(yesServer(), stranger)).rejects.toThrow(
    /^kube-controller-manager wants 127\.0\.0\.1:\d+, which another program has taken since/,
  );

  expectNothingLeft();
});
