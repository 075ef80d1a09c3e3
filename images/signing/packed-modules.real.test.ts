import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram, missingPrograms } from '@kmm-fleet/lab';
import { createManualClock, createRandom } from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pullImage } from '../layers/pull-image.ts';
import { compressionOf, packModule, unpackModule } from '../module/pack-module.ts';
import { unpackXz } from '../module/xz.ts';
import { createRegistry } from '../registry/registry.ts';
import { makeModule } from '../testing/make-module.ts';
import { createMemoryRegistry } from '../testing/memory-registry.ts';
import { pushImage } from '../testing/push-image.ts';
import { testPair } from '../testing/test-keys.ts';
import { signImage } from './sign-image.ts';
import { stripSignature } from './signature-block.ts';
import { judgeModule } from './verify-module.ts';

const KERNEL = '6.1.0-55-amd64';
const missing = missingPrograms(['xz', 'zstd', 'modinfo', 'depmod']);
const run = (program: string, args: readonly string[], input?: Uint8Array) =>
  execFileSync(findProgram(program) ?? program, args, {
    maxBuffer: 64 * 1024 * 1024,
    ...(input && { input }),
  });
const module = (name: string) => makeModule({ name, kernel: KERNEL, salt: `salt ${name} `.repeat(2_000) });

/** As the kernel's `make modules_install` packs them; the last is what a person types. */
const PACKED: readonly (readonly [string, string, string[]])[] = [
  ['a.ko.xz', 'xz', ['-c', '--check=crc32', '--lzma2=dict=1MiB']],
  ['b.ko.zst', 'zstd', ['-c', '-q', '-T0']],
  ['c.ko.gz', 'gzip', ['-c', '-n']],
  ['d.ko.xz', 'xz', ['-c', '-9', '-T2']],
];

describe.skipIf(missing.length > 0)(
  `with the distribution's programs${missing.length > 0 ? ` (skipped: needs ${missing.join(', ')})` : ''}`,
  () => {
    const root = mkdtempSync(join(tmpdir(), 'kmm-packed-'));
    const folder = join(root, 'lib/modules', KERNEL);
    const pair = testPair('rsa');
    const signedAgain: string[] = [];
    afterAll(() => rmSync(root, { recursive: true, force: true }));

    beforeAll(async () => {
      mkdirSync(folder, { recursive: true });
      const ports = {
        transport: createMemoryRegistry(),
        clock: createManualClock(),
        random: createRandom(1),
      };
      const registry = createRegistry(ports);
      const files = PACKED.map(([name, program, args]) => {
        const [bare = ''] = name.split('.');
        return [`/lib/modules/${KERNEL}/${name}`, run(program, args, module(bare))] as const;
      });
      const source = 'registry.test/kmod:unsigned';
      const target = 'registry.test/kmod:1';
      await pushImage(registry, source, {}, Object.fromEntries(files));
      const access = { sourceAccess: {}, targetAccess: {} };
      for (let round = 0; round < 2; round++) {
        const request = { source, target, files: [], pair, labels: {}, ...access };
        signedAgain.push((await signImage(registry, request)).digest);
      }
      const { fs } = await pullImage(registry, target, {});
      for (const [path] of files) writeFileSync(join(root, path), fs.readFile(path) ?? '');
      writeFileSync(join(folder, 'modules.order'), '');
      writeFileSync(join(folder, 'modules.builtin'), '');
    });

    it.each(PACKED)(
      '%s is whole for the program that packs it, and holds the module that was signed',
      (name, program) => {
        const file = join(folder, name);
        run(program, ['-t', '-q', file]);
        const unpacked = run(program, ['-d', '-c', file]);
        const [bare = ''] = name.split('.');

        expect(Buffer.from(stripSignature(unpacked)).equals(Buffer.from(module(bare)))).toBe(true);
        expect(judgeModule(unpacked, [pair.certificate], new Date('2030-01-01')).verdict).toBe('ok');
      },
    );

    it.each(['a.ko.xz', 'd.ko.xz'])('%s has the check and the dictionary that the kernel unpacks', (name) => {
      const list = run('xz', ['--robot', '--list', '-vv', join(folder, name)]).toString();

      expect(list).toMatch(/^summary\t.*$/m);
      expect(list).toContain('CRC32');
      expect(list).toMatch(/--lzma2=dict=1MiB/);
      // One stream of one block: the kernel's own reader knows no more.
      expect(list.match(/^block\t/gm)).toHaveLength(1);
    });

    it.each(['a.ko.xz', 'b.ko.zst', 'd.ko.xz'])('modinfo shows signer, key and hash of %s', (name) => {
      const field = (key: string) =>
        run('modinfo', ['-F', key, join(folder, name)])
          .toString()
          .trim();

      expect(field('signer')).toBe('kmm test signer');
      expect(field('sig_key').replaceAll(':', '')).toBe(pair.certificate.serialNumber);
      expect(field('sig_hashalgo')).toBe('sha256');
      expect(field('vermagic')).toMatch(new RegExp(`^${KERNEL} `));
    });

    it('depmod lists those that this kmod can read', () => {
      run('depmod', ['-b', root, KERNEL]);
      const readsGzip = run('modinfo', ['--version']).toString().includes('+ZLIB');
      const listed = readFileSync(join(folder, 'modules.dep'), 'utf8').match(/^.*?(?=:)/gm);

      expect(listed?.sort()).toEqual(
        PACKED.map(([name]) => name).filter((name) => readsGzip || !name.endsWith('.gz')),
      );
    });

    it('signs the same inputs to the same digest', () => {
      expect(signedAgain[1]).toBe(signedAgain[0]);
    });

    it('unpacks what xz packs, also of several streams, and packs it the same each time', async () => {
      const bytes = module('e');
      const streams = Buffer.concat([run('xz', ['-c'], bytes), run('xz', ['-c'], bytes)]);

      expect((await unpackModule(streams)).byteLength).toBe(bytes.byteLength * 2);
      const packed = await packModule(bytes, 'xz');
      expect(compressionOf(packed)).toBe('xz');
      expect(Buffer.from(await packModule(bytes, 'xz')).equals(packed)).toBe(true);
    });

    it('is told no options by the environment', async () => {
      const before = process.env['XZ_OPT'];
      const packed = await packModule(module('e'), 'xz');
      process.env['XZ_OPT'] = '-0 --check=sha256';
      const again = await packModule(module('e'), 'xz').finally(() => {
        if (before === undefined) delete process.env['XZ_OPT'];
        else process.env['XZ_OPT'] = before;
      });

      expect(Buffer.from(again).equals(packed)).toBe(true);
    });

    it.each([
      [
        'a bomb',
        () => run('xz', ['-c', '-6'], Buffer.alloc(64 * 1024 * 1024)),
        /holds more than 1048576 bytes/,
      ],
      ['a cut file', () => run('xz', ['-c'], module('e')).subarray(0, 200), /Unexpected end of input/],
      [
        'a file of one byte more',
        () => Buffer.concat([run('xz', ['-c'], module('e')), Buffer.from('x')]),
        /\w/,
      ],
      [
        'one that wants 1.5 GiB of memory',
        () => run('xz', ['-c', '--lzma2=dict=1536MiB'], module('e')),
        /[Mm]emory/,
      ],
    ])('refuses %s with IMAGE_INVALID', async (_name, make, words) => {
      await expect(unpackXz(make(), { bytesMax: 1024 * 1024 })).rejects.toMatchObject({
        code: 'IMAGE_INVALID',
        message: expect.stringMatching(words),
      });
    });

    it('ends with the signal', async () => {
      const stop = new AbortController();
      const packing = unpackXz(run('xz', ['-c'], module('e')), { bytesMax: 1_000_000, signal: stop.signal });
      stop.abort();

      await expect(packing).rejects.toThrow(/abort/i);
    });
  },
);
