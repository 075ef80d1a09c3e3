import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBuildah } from './buildah.ts';
import { type BuildRequest, buildLog } from './builder.ts';

const REQUEST: BuildRequest = {
  dockerfile: 'FROM scratch\n',
  buildArgs: { KERNEL_VERSION: '6.1.0-1', ODD: "a'b $c" },
  secrets: [{ name: 'token', files: { value: Buffer.from('s3cret') } }],
  target: 'registry.test/kmod:1',
  labels: { made: 'here' },
  baseAccess: {},
  targetAccess: { dockerConfig: '{"auths":{"registry.test":{"auth":"s3cret"}}}' },
};

/** A program in buildah's place, which writes down how it was called. */
const PROGRAM = `#!/bin/sh
echo "$@" >> "$(dirname "$0")/calls"
case "$*" in
  *" bud "*) cat "$(dirname "$0")/script" | sh -s -- "$@" ;;
  *" push "*) for word; do case $word in --digestfile=*) echo sha256:d > "\${word#--digestfile=}";; esac; done ;;
esac
`;

describe('buildah', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kmm-buildah-'));
    writeFileSync(join(folder, 'buildah'), PROGRAM, { mode: 0o755 });
    script('true');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const script = (text: string) => writeFileSync(join(folder, 'script'), text);
  const calls = () => {
    const file = join(folder, 'calls');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  };
  const build = (request: Partial<BuildRequest> = {}, signal?: AbortSignal) =>
    createBuildah({ directory: join(folder, 'work'), program: join(folder, 'buildah') }).build(
      { ...REQUEST, ...request },
      signal,
    );

  it('builds, pushes, and keeps no copy of what it pushed', async () => {
    script('echo STEP 1');

    expect(await build()).toEqual({ digest: 'sha256:d', log: 'STEP 1\n' });
    const steps = calls().map((line) => / (rm|bud|push|rmi) /.exec(line)?.[1]);
    expect(steps).toEqual(['rm', 'bud', 'push', 'rmi']);
    expect(calls().at(-1)).toContain('registry.test/kmod:1');
  });

  it('passes arguments as they are', async () => {
    script('for word; do echo "[$word]"; done');

    expect((await build()).log).toContain("[ODD=a'b $c]");
  });

  it('says nothing secret on the command line, and leaves nothing secret behind', async () => {
    await build();

    expect(calls().join()).not.toContain('s3cret');
    expect(readdirSync(join(folder, 'work', 'work'))).toEqual([]);
  });

  it('fails with the last lines of the log, and leaves nothing behind', async () => {
    script('echo first; echo last >&2; exit 2');
    const error = await build().catch((failure: unknown) => failure);

    expect(error).toMatchObject({ code: 'BUILD_FAILED', message: 'The build failed: last' });
    expect(buildLog(error)).toBe('first\nlast\n');
    expect(readdirSync(join(folder, 'work', 'work'))).toEqual([]);
  });

  it.each([
    ['unauthorized: authentication required', 'REGISTRY_UNAUTHORIZED'],
    ['dial tcp: connection refused', 'REGISTRY_UNREACHABLE'],
    ['no such file', 'BUILD_FAILED'],
  ])('knows trouble with a registry: %s', async (line, code) => {
    script(`echo "${line}"; exit 125`);

    await expect(build()).rejects.toMatchObject({ code });
  });

  it('keeps a bounded log of a build that prints and prints', async () => {
    script('head -c 20000000 /dev/zero | tr "\\0" x; echo end');
    const { log } = await build();

    expect(log).toHaveLength(4_096);
    expect(log.endsWith('xend\n')).toBe(true);
    const [file = ''] = readdirSync(join(folder, 'work', 'logs'));
    expect(statSync(join(folder, 'work', 'logs', file)).size).toBeLessThan(5_000_000);
  });

  it('starts nothing for somebody who has gone', async () => {
    await expect(build({}, AbortSignal.abort())).rejects.toThrow('abort');

    expect(calls().filter((line) => line.includes(' bud '))).toEqual([]);
  });

  it('ends a build, and all that it started, when it is aborted', async () => {
    script('sleep 60 & echo $! > "$(dirname "$0")/pid"; echo $! >&2; wait');
    const life = new AbortController();
    const building = build({}, life.signal);
    const started = async () => {
      const [log = ''] = existsSync(join(folder, 'work', 'logs'))
        ? readdirSync(join(folder, 'work', 'logs'))
        : [];
      return log && readFileSync(join(folder, 'work', 'logs', log), 'utf8').trim();
    };
    let pid = '';
    while (!(pid = await started())) await new Promise((resolve) => setTimeout(resolve, 5));
    life.abort();

    await expect(building).rejects.toThrow('The build failed');
    await expect.poll(() => existsSync(`/proc/${pid}`) && !isZombie(pid)).toBe(false);
  });

  it.each(['../escape', 'a/b', '..', ''])('refuses a secret with a file "%s"', async (name) => {
    const secrets = [{ name: 'token', files: { [name]: Buffer.from('x') } }];

    await expect(build({ secrets })).rejects.toThrow('no file name');
  });

  it('says what to install when it is not there', async () => {
    const missing = createBuildah({ directory: join(folder, 'work'), program: join(folder, 'none') });

    await expect(missing.build(REQUEST)).rejects.toMatchObject({ code: 'BUILDER_MISSING' });
  });
});

const isZombie = (pid: string) => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
