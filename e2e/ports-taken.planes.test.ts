import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeServerCertificates, type Part, planePrograms, startPlane } from '@kmm-fleet/lab';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { until } from './faults/patience.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kmm-ports-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const path = (name: string) => join(folder, name);
const argsOf = (part: Part) => readFileSync(path(`${part}.args`), 'utf8');

/** Each part says what it is, waits until it may go on, and is the real one then. */
async function patientPrograms() {
  const programs = await planePrograms(() => {});
  const script = `#!/bin/sh
name=$1
shift
echo "$$ $*" >${path('$name.args')}
until [ -e ${path('go')} ]; do sleep 0.05; done
exec "$@"
`;
  writeFileSync(path('wait'), script, { mode: 0o755 });
  return (part: Part): [string, ...string[]] => [path('wait'), part, ...(programs(part) ?? [])];
}

it.each<[Part, RegExp]>([
  ['etcd', /--listen-client-urls=http:\/\/127\.0\.0\.1:(\d+)/],
  ['kube-apiserver', /--secure-port=(\d+)/],
])('a port that %s wants and somebody has is named in one line, and nothing is left', async (part, flag) => {
  const certificates = await makeServerCertificates(folder);
  const programs = await patientPrograms();
  const started = startPlane({ name: 'p', directory: folder, certificates, programs }).then(
    () => 'it started',
    ({ message }: Error) => message,
  );
  await until(`${part} knows its ports`, () => flag.test(argsOf(part)));
  const [, port = ''] = flag.exec(argsOf(part)) ?? [];
  const somebody = createServer();
  await new Promise<void>((resolve) => somebody.listen(Number(port), '127.0.0.1', resolve));
  writeFileSync(path('go'), '');

  expect(await started).toBe(
    `${part} wants 127.0.0.1:${port}, which another program has taken since. Start it again.`,
  );

  somebody.close();
  for (const each of ['etcd', 'kube-apiserver'] as const) {
    const [pid = ''] = argsOf(each).split(' ');
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
  }
  const [, data = ''] = /--data-dir=(\S+)/.exec(argsOf('etcd')) ?? [];
  expect([data.length > 0, existsSync(data)]).toEqual([true, false]);
});
