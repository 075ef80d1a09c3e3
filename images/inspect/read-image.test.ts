import { gzipSync, zstdCompressSync } from 'node:zlib';
import { createManualClock, createRandom } from '@kmm-fleet/runtime';
import { describe, expect, it } from 'vitest';
import type { FsEntry } from '../layers/image-fs.ts';
import { createRegistry } from '../registry/registry.ts';
import { signModule } from '../signing/module-signature.ts';
import { type ModuleShape, makeModule } from '../testing/make-module.ts';
import { createMemoryRegistry } from '../testing/memory-registry.ts';
import { pushImage } from '../testing/push-image.ts';
import { testPair } from '../testing/test-keys.ts';
import { imageWarnings } from './image-warnings.ts';
import { type ReadOptions, readImage } from './read-image.ts';
import { verifyImage } from './verify-image.ts';

const REF = 'registry.test/team/kmod:1';
const KERNEL = '6.1.0-55-amd64';
const FOLDER = `/opt/lib/modules/${KERNEL}`;
const NOW = new Date('2030-01-01');
const [rsa, stranger] = [testPair('rsa'), testPair('stranger')];
const ko = (name: string, more: Partial<ModuleShape> = {}) => makeModule({ name, kernel: KERNEL, ...more });

type Files = Readonly<Record<string, Uint8Array | string | FsEntry>>;

async function push(files: Files) {
  const ports = { transport: createMemoryRegistry(), clock: createManualClock(), random: createRandom(1) };
  const registry = createRegistry(ports);
  await pushImage(registry, REF, {}, files);
  return registry;
}

const read = async (files: Files, options: ReadOptions = {}) =>
  readImage(await push(files), REF, {}, options);
const warn = async (files: Files) =>
  imageWarnings(await read(files)).map(({ reason, path, message, nextStep }) => [
    reason,
    path,
    `${message} ${nextStep}`,
  ]);

const b = ko('kmm_b', {
  depends: ['kmm_a'],
  softdeps: ['pre: kmm_c'],
  parameters: ['site'],
  firmware: ['kmm/blob.bin'],
});
const good: Files = {
  [`${FOLDER}/kmm-a.ko`]: signModule(ko('kmm_a', { exports: ['kmm_scale'] }), rsa),
  [`${FOLDER}/extra/kmm-b.ko.gz`]: gzipSync(signModule(b, rsa)),
  [`${FOLDER}/modules.dep`]: 'kmm-a.ko:\nextra/kmm-b.ko.gz: kmm-a.ko\n',
  '/firmware/kmm/blob.bin': 'firmware',
};

it('tells what an image holds for kernels', async () => {
  const { kernels, firmware, architecture, links } = await read(good);

  expect({ firmware, architecture, links }).toEqual({
    firmware: ['/firmware/kmm/blob.bin'],
    architecture: 'amd64',
    links: [],
  });
  expect(kernels).toMatchObject([{ kernel: KERNEL, folder: FOLDER, hasDepmod: true }]);
  expect(kernels[0]?.modules[0]).toEqual({
    path: `${FOLDER}/extra/kmm-b.ko.gz`,
    name: 'kmm_b',
    compression: 'gzip',
    packedBytes: gzipSync(signModule(b, rsa)).byteLength,
    details: {
      bytes: signModule(b, rsa).byteLength,
      vermagic: `${KERNEL} SMP preempt mod_unload modversions`,
      kernel: KERNEL,
      architecture: 'amd64',
      license: 'GPL',
      depends: ['kmm_a'],
      loadsBefore: ['kmm_a'],
      softdeps: ['pre: kmm_c'],
      parameters: ['site'],
      firmware: [{ file: 'kmm/blob.bin', path: '/firmware/kmm/blob.bin' }],
      signature: {
        hash: 'sha256',
        signer: 'kmm test signer',
        keyId: rsa.certificate.serialNumber.toLowerCase(),
      },
    },
  });
  expect(kernels[0]?.modules[1]).toMatchObject({ name: 'kmm_a', compression: 'none' });
});

it('warns of nothing in a good image', async () => {
  expect(await warn(good)).toEqual([]);
});

it('takes a dependency that depmod found through a link for one that is there', async () => {
  const files = {
    [`${FOLDER}/kmm-b.ko`]: ko('kmm_b', { depends: ['crc'] }),
    [`${FOLDER}/host`]: `-> /lib/modules/${KERNEL}/kernel`,
    [`${FOLDER}/modules.dep`]: 'kmm-b.ko: host/crc.ko\nhost/crc.ko:\n',
  };

  expect(await warn(files)).toEqual([]);
});

describe('what will go wrong on a node is one warning, with the path and the next step', () => {
  const without = (name: string) =>
    Object.fromEntries(Object.entries(good).filter(([path]) => !path.endsWith(name)));
  it.each<[string, Files, string, string, RegExp]>([
    ['no module at all', { '/etc/motd': 'x' }, 'NoModules', '', /lib\/modules\/<kernel>/],
    [
      'no files of depmod',
      without('modules.dep'),
      'DepmodMissing',
      FOLDER,
      /RUN depmod -b \/opt 6\.1\.0-55-amd64"/,
    ],
    [
      'a module that depmod did not see',
      { ...good, [`${FOLDER}/late.ko`]: signModule(ko('late'), rsa) },
      'DepmodStale',
      `${FOLDER}/late.ko`,
      /Run depmod after/,
    ],
    [
      'a module for another kernel than its folder',
      { ...good, [`${FOLDER}/kmm-a.ko`]: signModule(ko('kmm_a', { kernel: '6.1.0-54-amd64' }), rsa) },
      'KernelMismatch',
      `${FOLDER}/kmm-a.ko`,
      /for kernel 6\.1\.0-54-amd64 and stands in the folder of 6\.1\.0-55-amd64/,
    ],
    [
      'a module for another processor',
      { ...good, [`${FOLDER}/kmm-a.ko`]: signModule(ko('kmm_a', { machine: 183 }), rsa) },
      'ArchitectureMismatch',
      `${FOLDER}/kmm-a.ko`,
      /built for arm64, the image says amd64/,
    ],
    [
      'firmware that is missing',
      without('blob.bin'),
      'FirmwareMissing',
      `${FOLDER}/extra/kmm-b.ko.gz`,
      /kmm\/blob\.bin/,
    ],
    [
      'an unsigned module among signed ones',
      { ...good, [`${FOLDER}/kmm-a.ko`]: ko('kmm_a') },
      'UnsignedAmongSigned',
      `${FOLDER}/kmm-a.ko`,
      /filesToSign/,
    ],
    [
      'a dependency that is nowhere',
      { ...good, [`${FOLDER}/kmm-a.ko`]: signModule(ko('kmm_a', { depends: ['else-where'] }), rsa) },
      'DependencyMissing',
      `${FOLDER}/kmm-a.ko`,
      /needs the module else-where/,
    ],
    [
      'a link that leaves the root',
      { ...good, '/opt/escape': '-> ../../etc/shadow' },
      'LinkLeavesRoot',
      '/opt/escape',
      /\.\.\/\.\.\/etc\/shadow, out of the image/,
    ],
    [
      'a link to a module that is not there',
      { ...good, [`${FOLDER}/x.ko`]: '-> y.ko' },
      'LinkBroken',
      `${FOLDER}/x.ko`,
      /leads to y\.ko/,
    ],
    [
      'a module that cannot be unpacked',
      { ...good, [`${FOLDER}/kmm-a.ko`]: gzipSync(ko('kmm_a')).subarray(0, 50) },
      'ModuleUnreadable',
      `${FOLDER}/kmm-a.ko`,
      /gzip file cannot be unpacked/,
    ],
    [
      'a module that is none',
      { ...good, [`${FOLDER}/kmm-a.ko`]: 'text' },
      'ModuleUnreadable',
      `${FOLDER}/kmm-a.ko`,
      /no ELF file/,
    ],
    [
      'a module where modprobe does not look',
      { ...good, '/build/x.ko': signModule(ko('x'), rsa) },
      'ModuleOutsideKernel',
      '/build/x.ko',
      /One module stands outside of any lib\/modules\/<kernel>/,
    ],
  ])('%s', async (_name, files, reason, path, words) => {
    const warnings = await warn(files);

    expect(warnings.filter(([its]) => its === reason)).toEqual([
      [reason, path, expect.stringMatching(words)],
    ]);
    // A module that cannot be read is not there for the others either.
    expect(warnings.length).toBeLessThanOrEqual(2);
  });
});

it('unpacks no more than its bound, of all modules together', async () => {
  const bomb = (name: string) => zstdCompressSync(Buffer.alloc(600_000, name));
  const files = { [`${FOLDER}/a.ko`]: bomb('a'), [`${FOLDER}/b.ko`]: bomb('b') };
  const { kernels } = await read(files, { modulesBytesMax: 1_000_000 });

  expect(kernels[0]?.modules.map(({ problem }) => problem)).toEqual([
    expect.stringContaining('no ELF file'),
    expect.stringContaining('holds more than 400000 bytes'),
  ]);
});

describe('stops reading an image that would wear it out', () => {
  const many = (count: number, bytes: (index: number) => Uint8Array): Files =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`${FOLDER}/m${index}.ko`, bytes(index)]));
  it.each<[string, () => Files, RegExp]>([
    [
      'of modules that cannot be unpacked',
      () => many(21, () => gzipSync('x').subarray(0, 15)),
      /more than 20 modules/,
    ],
    [
      'of modules that list more than all of a distribution',
      () => many(11, (index) => ko(`m${index}`, { parameters: Array(49_000).fill('p') })),
      /list more than 500000 things/,
    ],
    [
      'with a list of modules that is none',
      () => ({ ...good, [`${FOLDER}/modules.dep`]: Buffer.alloc(17 * 1024 * 1024) }),
      /modules\.dep of 17825792 bytes/,
    ],
  ])('%s', async (_name, files, words) => {
    await expect(read(files())).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringMatching(words),
    });
  });
});

it('shows texts of a module in one line without control characters', async () => {
  const evil = ko('x', { parameters: ['a\u001B[2J\nb'], kernel: '6.1\u202E\n' });
  const { kernels } = await read({ [`${FOLDER}/x.ko`]: evil });

  expect(JSON.stringify(kernels)).not.toMatch(/\\n|\\u001b|\u202E/i);
  expect(kernels[0]?.modules[0]?.details?.parameters).toEqual(['a b']);
});

describe('verifyImage', () => {
  const files: Files = {
    ...good,
    [`${FOLDER}/other.ko`]: signModule(ko('other'), stranger),
    [`${FOLDER}/broken.ko.gz`]: gzipSync(ko('x')).subarray(0, 40),
    '/opt/lib/modules/6.2.0/plain.ko': ko('plain', { kernel: '6.2.0' }),
  };
  const verify = async (more: { kernel?: string; files?: string[] } = {}) => {
    const registry = await push(files);
    const modules = await verifyImage(registry, REF, {}, { trusted: [rsa.certificate], now: NOW, ...more });
    return modules.map(({ path, verdict }) => [path.split('/').at(-1), verdict]);
  };

  it('judges every module, packed or not', async () => {
    expect(await verify()).toEqual([
      ['broken.ko.gz', 'malformed'],
      ['kmm-b.ko.gz', 'ok'],
      ['kmm-a.ko', 'ok'],
      ['other.ko', 'other-key'],
      ['plain.ko', 'unsigned'],
    ]);
  });

  it('judges only those of a kernel, or at the paths that are asked for', async () => {
    expect(await verify({ kernel: '6.2.0' })).toEqual([['plain.ko', 'unsigned']]);
    expect(await verify({ files: [`${FOLDER}/extra/*`, `${FOLDER}/kmm-a.ko`] })).toEqual([
      ['kmm-b.ko.gz', 'ok'],
      ['kmm-a.ko', 'ok'],
    ]);
    expect(await verify({ kernel: '6.3.0' })).toEqual([]);
  });
});
