import { globSync, mkdirSync, mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRoot, runCommand, unmountBelow } from '@kmm-fleet/lab';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PLAYED_DIGEST, playBuildah, playedRequest as request } from '../testing/play-buildah.ts';
import { type RealRegistryWorld, skipReason, startRealRegistry } from '../testing/real-registry.ts';
import { shellTarget } from '../testing/shell-target.ts';
import { createBuildah } from './buildah.ts';
import { type BuildRequest, buildLog } from './builder.ts';

const reason = isRoot() ? '' : 'skipped: needs root';
const SECRETS = [{ name: 'login', files: { password: Buffer.from('hunter2hunter2') } }];

describe.skipIf(reason !== '')(`builds on a disk of their own${reason && ` (${reason})`}`, () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) {
      unmountBelow(folder);
      rmSync(folder, { recursive: true, force: true });
    }
  });

  /** A folder whose disk is as small as asked for; the program is beside it. */
  async function world(room: string, commands: Parameters<typeof playBuildah>[1] = {}) {
    const directory = mkdtempSync(join(tmpdir(), 'kmm-disk-'));
    folders.push(directory);
    const build = join(directory, 'build');
    mkdirSync(build);
    await runCommand('mount', ['-t', 'tmpfs', '-o', room, 'tmpfs', build]);
    const { program } = playBuildah(directory, commands);
    const resize = (room: string) => runCommand('mount', ['-o', `remount,${room}`, build]);
    return { build, resize, builder: createBuildah({ directory: build, program }) };
  }

  const open = (folder: string) =>
    globSync('/proc/self/fd/*')
      .map(targetOf)
      .filter((file) => file.startsWith(folder));

  it.each([
    ['files', 'nr_inodes', 'size=64m', (count: number) => `${count}`],
    ['pages', 'size', 'nr_inodes=5000', (count: number) => `${count * 4}k`],
  ])(
    'is told of with its folder, whichever of the %s of a build finds no room',
    async (_name, option, rest, amount) => {
      const failed: number[] = [];
      for (let count = 1; ; count += 1) {
        const { build, builder, resize } = await world(`${rest},${option}=${amount(count)}`);
        const outcome = await outcomeOf(builder.build({ ...request, secrets: SECRETS }));

        expect(open(build), `${option} ${count}`).toEqual([]);
        expect(globSync(join(build, 'work', '*'))).toEqual([]);
        if (!(outcome instanceof Error)) {
          expect(outcome).toMatchObject({ digest: PLAYED_DIGEST });
          break;
        }
        failed.push(count);
        expect(outcome).toMatchObject({
          code: 'BUILD_DISK_FULL',
          message: expect.stringMatching(
            new RegExp(`^The disk of ${build} is full: .*no space left.*KMM_BUILD_DIR`, 'i'),
          ),
        });
        await resize(`${option}=${amount(5_000)}`);
        expect(await builder.build(request)).toMatchObject({ digest: PLAYED_DIGEST });
      }
      // The inputs, the log, and what buildah itself writes last.
      expect(failed.length).toBeGreaterThanOrEqual(4);
    },
  );

  it('is told of when it is the program that finds no room, though it clears away what it wrote', async () => {
    const bud =
      'head -c 90m /dev/zero > $TMPDIR/o; sleep 1; rm $TMPDIR/o; echo Error: exit status 1; exit 125';
    const { build, builder } = await world('size=80m', { bud });

    const error = await outcomeOf(builder.build(request));

    expect(error).toMatchObject({
      code: 'BUILD_DISK_FULL',
      message: expect.stringMatching(/^The disk of \S+ is full: head: .*No space left on device\. Make room/),
    });
    expect(buildLog(error)).toContain('Error: exit status 1');
    expect(globSync(join(build, 'work', '*'))).toEqual([]);
  });
});

const buildahReason = skipReason('buildah', 'root');

describe.skipIf(buildahReason !== '')(
  `buildah on a full disk${buildahReason && ` (${buildahReason})`}`,
  () => {
    let real: RealRegistryWorld;
    let from: string;
    beforeAll(async () => {
      real = await startRealRegistry();
      ({ from } = await shellTarget(real));
    });
    afterAll(() => real?.close());

    it.each([
      ['a step writes', 'RUN cat /dev/zero > /zeros', 'BUILD_DISK_FULL'],
      [
        'the layer of a step is stored',
        'RUN (ulimit -f 130000; cat /dev/zero > /zeros) || true',
        'BUILD_DISK_FULL',
      ],
      [
        'a step fills a disk of its own',
        'RUN --mount=type=tmpfs,target=/own,tmpfs-size=1m cat /dev/zero > /own/zeros',
        'BUILD_FAILED',
      ],
    ])('when %s: %s ends with %s', async (_name, line, code) => {
      const directory = mkdtempSync(join(real.directory, 'builds-'));
      await runCommand('mount', ['-t', 'tmpfs', '-o', 'size=150m', 'tmpfs', directory]);
      const builder = createBuildah({ directory, ca: real.ca });
      const full: BuildRequest = {
        ...request,
        dockerfile: `${from}\n${line}\n`,
        target: `${real.address}/contract/full:1`,
        baseAccess: real.access,
        targetAccess: real.access,
      };

      const error = await outcomeOf(builder.build(full));

      expect(error).toMatchObject({ code });
      expect(globSync(join(directory, 'storage', '**', 'zeros')), 'nothing of it is left').toEqual([]);
    });
  },
);

const outcomeOf = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);

function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}
