import { globSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '@kmm-fleet/lab';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { processesIn } from '../testing/processes-in.ts';
import { type RealRegistryWorld, skipReason, startRealRegistry } from '../testing/real-registry.ts';
import { shellTarget } from '../testing/shell-target.ts';
import { createBuildah } from './buildah.ts';
import { describeBuilder } from './builder.contract.ts';

const reason = skipReason('buildah', 'root');

describe.skipIf(reason !== '')(`buildah on a real registry${reason && ` (${reason})`}`, () => {
  let real: RealRegistryWorld;
  let builder: ReturnType<typeof createBuildah>;
  const path = (...parts: readonly string[]) => join(real.directory, 'builds', ...parts);
  afterAll(() => real?.close());

  describeBuilder('buildah', async () => {
    real = await startRealRegistry();
    builder = createBuildah({ directory: path(), ca: real.ca });
    return {
      ...(await shellTarget(real)),
      builder,
      whenSleeping: async () => {
        await vi.waitUntil(() => inContainers().includes('sleep'), { timeout: 60_000 });
      },
      close: async () => {},
    };
  });

  const inContainers = () => processesIn(path());

  it('leaves no process of an aborted build behind', async () => {
    await expect.poll(inContainers).toEqual([]);
  });

  it('leaves of its builds nothing in the local storage but their bases', async () => {
    const roots = ['--root', path('storage'), '--runroot', path('run')];
    const images = await runCommand('buildah', [...roots, 'images', '--all', '--format', '{{.Name}}']);

    expect(images.trim().split('\n')).toEqual([`${real.address}/base/shell`]);
    expect(globSync(path('work', '*'))).toEqual([]);
  });

  it('makes the same digest of the same inputs on another machine: another storage, another time', async () => {
    const request = {
      dockerfile: `FROM ${real.address}/base/shell:1\nRUN echo a > /a && cat /a > /b\n`,
      buildArgs: { KERNEL_FULL_VERSION: '6.1.0' },
      secrets: [],
      labels: { hash: 'x' },
      target: `${real.address}/contract/same:1`,
      baseAccess: real.access,
      targetAccess: real.access,
    };
    const { digest } = await builder.build(request);
    const other = createBuildah({ directory: join(real.directory, 'other-builds'), ca: real.ca });

    expect((await other.build(request)).digest).toBe(digest);
  });

  it('ends a build that fills the disk, and leaves nothing of it', async () => {
    const small = createBuildah({ directory: path(), ca: real.ca, bytesMax: 200 * 1024 * 1024 });
    const request = {
      dockerfile: `FROM ${real.address}/base/shell:1\nRUN cat /dev/zero > /zeros\n`,
      buildArgs: {},
      secrets: [],
      labels: {},
      target: `${real.address}/contract/large:1`,
      baseAccess: real.access,
      targetAccess: real.access,
    };

    await expect(small.build(request)).rejects.toMatchObject({ code: 'BUILD_TOO_LARGE' });
    expect(globSync(path('storage', '**', 'zeros'))).toEqual([]);
  });

  it.each([
    ['refuses the login', 'REGISTRY_UNAUTHORIZED', () => real.address],
    ['is down', 'REGISTRY_UNREACHABLE', () => '127.0.0.1:1'],
  ])('says so when the registry of a base %s', async (_name, code, address) => {
    const request = {
      dockerfile: `FROM ${address()}/base/other:1\n`,
      buildArgs: {},
      secrets: [],
      labels: {},
      target: `${real.address}/contract/none:1`,
      baseAccess: real.wrongAccess,
      targetAccess: real.access,
    };

    await expect(builder.build(request)).rejects.toMatchObject({ code });
  });
});
