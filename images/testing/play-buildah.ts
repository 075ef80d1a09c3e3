import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildRequest } from '../builders/builder.ts';

/** What the played buildah says that it has pushed. */
export const PLAYED_DIGEST = `sha256:${'a'.repeat(64)}`;

export const playedRequest: BuildRequest = {
  dockerfile: 'FROM scratch\n',
  buildArgs: {},
  secrets: [],
  target: 'registry.test/team/kmod:1',
  labels: {},
  baseAccess: {},
  targetAccess: {},
};

/** A shell has words of its own for a full disk. */
const FULL = '{ echo "Error: write digest: no space left on device"; exit 125; }';
const PUSH = `for a; do case "$a" in --digestfile=*) echo ${PLAYED_DIGEST} > "\${a#*=}" || ${FULL};; esac; done`;

/** buildah, played by shell lines per command; every command line is written down. */
export function playBuildah(
  directory: string,
  { bud = ':', push = PUSH }: { readonly bud?: string | undefined; readonly push?: string | undefined },
) {
  const [program, calls] = [join(directory, 'program'), join(directory, 'calls')];
  const lines = [
    '#!/bin/sh',
    'shift 4',
    `echo "$*" >> ${calls}`,
    `case "$1" in bud) ${bud};; push) ${push};; esac`,
  ];
  writeFileSync(program, `${lines.join('\n')}\n`, { mode: 0o755 });
  const read = () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []);
  return { program, calls: read };
}
