import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeServerCertificates, type Part, planePrograms, startPlane, until } from '@kmm-fleet/lab';
import { afterEach, beforeEach, expect, it } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kmm-ports-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const path = (name: string) => join(folder, name);
const argsOf = (part: Part) => readFileSync(path(`${part}.args`), 'utf8');

const PARTS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

/** Each part says what it is, waits until it may go on, and is the real one then. */
async function patientPrograms() {
  const programs = await planePrograms(() => {});
  const script = `#!/bin/sh
name=$1
shift
echo "$$ $*" >${path('$name.args')}
until [ -e ${path('$name.go')} ]; do sleep 0.05; done
exec "$@"
`;
  writeFileSync(path('wait'), script, { mode: 0o755 });
  return (part: Part): [string, ...string[]] => [path('wait'), part, ...(programs(part) ?? [])];
}

const SECURE_PORT = /--secure-port=(\d+)/;

it.each<[Part, RegExp]>([
  ['etcd', /--listen-client-urls=http:\/\/127\.0\.0\.1:(\d+)/],
  ['kube-apiserver', SECURE_PORT],
  ['kube-controller-manager', SECURE_PORT],
  ['kube-scheduler', SECURE_PORT],
])('a port that %s wants and somebody has is named in one line, and nothing is left', async (part, flag) => {
  const certificates = await makeServerCertificates(folder);
  const programs = await patientPrograms();
  for (const other of PARTS) if (other !== part) writeFileSync(path(`${other}.go`), '');
  const parts = ['kube-controller-manager', 'kube-scheduler'] as const;
  const started = startPlane({ name: 'p', directory: folder, certificates, programs, parts }).then(
    () => 'it started',
    ({ message }: Error) => message,
  );
  await until(`${part} knows its ports`, () => flag.test(argsOf(part)));
  const [, port = ''] = flag.exec(argsOf(part)) ?? [];
  const somebody = createServer();
  await new Promise<void>((resolve) => somebody.listen(Number(port), '127.0.0.1', resolve));
  writeFileSync(path(`${part}.go`), '');

  expect(await started).toBe(
    `${part} wants 127.0.0.1:${port}, which another program has taken since. Start it again.`,
  );

  somebody.close();
  const begun = PARTS.filter((each) => existsSync(path(`${each}.args`)));
  expect(begun).toContain(part);
  for (const each of begun) {
    const [pid = ''] = argsOf(each).split(' ');
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
  }
  const [, data = ''] = /--data-dir=(\S+)/.exec(argsOf('etcd')) ?? [];
  expect([data.length > 0, existsSync(data)]).toEqual([true, false]);
});
