import { gzipSync, zstdCompressSync } from 'node:zlib';
import { createManualClock, createRandom } from '@kmm-fleet/runtime';
import { describe, expect, it } from 'vitest';
import { createImageFs, type FsEntry } from '../layers/image-fs.ts';
import { pullImage } from '../layers/pull-image.ts';
import { compressionOf, unpackModule } from '../module/pack-module.ts';
import { createRegistry } from '../registry/registry.ts';
import type { RegistryTransport } from '../registry/transport.ts';
import { makeModule } from '../testing/make-module.ts';
import { createMemoryRegistry } from '../testing/memory-registry.ts';
import { pushImage } from '../testing/push-image.ts';
import { testPair } from '../testing/test-keys.ts';
import { signModule } from './module-signature.ts';
import { filesToSign, signImage } from './sign-image.ts';
import { verifyModule } from './verify-module.ts';

const SOURCE = 'registry.test/team/kmod:unsigned';
const TARGET = 'registry.test/team/kmod:1';
const FOLDER = '/opt/lib/modules/6.1.0';
const ko = (name: string, machine?: number) =>
  makeModule({ name, kernel: '6.1.0', ...(machine && { machine }) });
const pair = testPair('rsa');

type Files = Readonly<Record<string, Uint8Array | string | FsEntry>>;

/** Signs an image of these files in a world of its own. */
async function sign(files: Files, wanted: readonly string[] = [], by = pair) {
  const transport = createMemoryRegistry();
  const registry = createRegistry({ transport, clock: createManualClock(), random: createRandom(1) });
  await pushImage(registry, SOURCE, {}, files);
  const signed = await signImage(registry, {
    source: SOURCE,
    sourceAccess: {},
    target: TARGET,
    targetAccess: {},
    files: wanted,
    pair: by,
    labels: {},
  });
  return { ...signed, image: await pullImage(registry, TARGET, {}) };
}

const packed = {
  [`${FOLDER}/a.ko`]: ko('a'),
  [`${FOLDER}/b.ko.gz`]: gzipSync(ko('b')),
  [`${FOLDER}/c.ko.zst`]: zstdCompressSync(ko('c')),
};

it('signs what is packed: unpacked, signed, packed again as it was', async () => {
  const { image, signed } = await sign(packed);

  expect(signed).toEqual(Object.keys(packed));
  for (const [path, before] of Object.entries(packed)) {
    const after = image.fs.readFile(path) ?? new Uint8Array();
    expect([path, compressionOf(after)]).toEqual([path, compressionOf(before)]);
    expect([path, verifyModule(await unpackModule(after), [pair.certificate])]).toEqual([path, 'signed']);
  }
});

it('signs from one registry into another under the same name, each with its own login', async () => {
  const login = (address: string, password: string) => ({
    access: { dockerConfig: JSON.stringify({ auths: { [address]: { username: 'u', password } } }) },
    memory: createMemoryRegistry({ login: { username: 'u', password, scheme: 'Basic' } }),
  });
  const [vendor, own] = [login('vendor.test', 'theirs'), login('own.test', 'ours')];
  const shown: string[] = [];
  const transport: RegistryTransport = {
    request(request, signal) {
      const { host } = new URL(request.url);
      const { authorization = '' } = request.headers;
      shown.push(`${host} ${Buffer.from(authorization.slice('Basic '.length), 'base64').toString()}`);
      return (host === 'vendor.test' ? vendor : own).memory.request(request, signal);
    },
  };
  const registry = createRegistry({ transport, clock: createManualClock(), random: createRandom(1) });
  await pushImage(registry, 'vendor.test/team/kmod:1', vendor.access, packed);
  await signImage(registry, {
    ...{ source: 'vendor.test/team/kmod:1', sourceAccess: vendor.access },
    ...{ target: 'own.test/team/kmod:1', targetAccess: own.access },
    ...{ files: [], pair, labels: {} },
  });

  const signed = await pullImage(registry, 'own.test/team/kmod:1', own.access);
  expect(Object.keys(packed).filter((path) => !signed.fs.readFile(path))).toEqual([]);
  expect(new Set(shown.filter((line) => !line.endsWith(' ')))).toEqual(
    new Set(['vendor.test u:theirs', 'own.test u:ours']),
  );
});

it('goes by the content and not by the name', async () => {
  const { image } = await sign({ [`${FOLDER}/a.ko`]: gzipSync(ko('a')), [`${FOLDER}/b.ko.zst`]: ko('b') });

  expect(compressionOf(image.fs.readFile(`${FOLDER}/a.ko`) ?? new Uint8Array())).toBe('gzip');
  expect(compressionOf(image.fs.readFile(`${FOLDER}/b.ko.zst`) ?? new Uint8Array())).toBe('none');
});

it.each([
  ['RSA', pair],
  ['EC', testPair('ec')],
])(
  'makes the same digest of the same inputs with %s, in whatever order the files are named',
  async (_name, by) => {
    const paths = Object.keys(packed);
    const [first, second, third] = [
      await sign(packed, [], by),
      await sign(packed, paths, by),
      await sign(packed, [...paths].reverse(), by),
    ];

    expect(second.digest).toBe(first.digest);
    expect(third.digest).toBe(first.digest);
    expect(first.image.manifest.layers[1]?.digest).toBe(third.image.manifest.layers[1]?.digest);
  },
);

it('makes another digest of another key', async () => {
  expect((await sign(packed, [], testPair('stranger'))).digest).not.toBe((await sign(packed)).digest);
});

it('replaces the signature of somebody else, so that signing once more changes nothing', async () => {
  const theirs = signModule(ko('a'), testPair('stranger'));
  const mine = await sign({ [`${FOLDER}/a.ko`]: theirs });
  const fresh = await sign({ [`${FOLDER}/a.ko`]: ko('a') });

  expect(mine.image.manifest.layers[1]?.digest).toBe(fresh.image.manifest.layers[1]?.digest);
  expect([mine.replaced, fresh.replaced]).toEqual([['stranger'], []]);
});

it('says nothing of its own signature that it replaces', async () => {
  expect((await sign({ [`${FOLDER}/a.ko`]: signModule(ko('a'), pair) })).replaced).toEqual([]);
});

describe('one bad file stops the signing, with its path and one reason', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['a text', Buffer.from('#!/bin/sh\nexit 0\n'.repeat(10)), /is no ELF file/],
    ['a cut module', ko('a').subarray(0, 300), /section table/],
    ['an empty file', new Uint8Array(), /is no ELF file/],
    ['a cut archive', gzipSync(ko('a')).subarray(0, 60), /gzip file cannot be unpacked/],
    ['a packed text', zstdCompressSync(Buffer.from('text')), /is no ELF file/],
    [
      'a module for another processor',
      ko('a', 183),
      /is built for arm64, but the image says it is for amd64/,
    ],
  ])('%s', async (_name, bytes, words) => {
    const refusal = await sign({ ...packed, [`${FOLDER}/x.ko`]: bytes }).catch((error: Error) => error);

    expect(refusal).toMatchObject({ code: 'IMAGE_INVALID', message: expect.stringMatching(words) });
    expect((refusal as Error).message).toContain(`${FOLDER}/x.ko`);
  });
});

describe('filesToSign', () => {
  const fs = createImageFs();
  const file: FsEntry = { type: 'file', mode: 0o644, bytes: new Uint8Array() };
  for (const name of ['a.ko', 'b.ko.xz', 'driver.bin', 'modules.dep'])
    fs.write(`/usr${FOLDER}/${name}`, file);
  fs.write('/opt', { type: 'symlink', target: '/usr/opt' });
  fs.write(`/usr${FOLDER}/link.ko`, { type: 'symlink', target: 'a.ko' });

  it.each<[string, string[], string[]]>([
    ['everything that is named as a module', [], ['a.ko', 'b.ko.xz']],
    ['an exact path, whatever its name', [`/usr${FOLDER}/driver.bin`], ['driver.bin']],
    ['a path through a link, once', [`${FOLDER}/a.ko`, `${FOLDER}/link.ko`], ['a.ko']],
    ['of a glob only what is named as a module', [`/usr${FOLDER}/*`], ['a.ko', 'b.ko.xz']],
  ])('takes %s', (_name, wanted, expected) => {
    expect(filesToSign(fs, wanted)).toEqual(expected.map((name) => `/usr${FOLDER}/${name}`));
  });

  it('refuses braces, which multiply', () => {
    const pattern = `/opt/${'{a,b}'.repeat(16)}.ko`;
    expect(() => filesToSign(fs, [pattern])).toThrow(`filesToSign names "${pattern}": braces`);
  });

  it('refuses globs that take too long on the files of the image', () => {
    const deep = createImageFs();
    deep.write(`${`/${'a'.repeat(250)}`.repeat(15)}/a.ko`, file);
    const globs = Array.from(
      { length: 256 },
      (_, index) => `${`/**/*${'a'.repeat(120)}b`.repeat(15)}/${index}`,
    );

    expect(() => filesToSign(deep, globs)).toThrow(/^filesToSign: .* takes too long\. Use fewer stars/);
  });

  it('says when there is nothing', () => {
    expect(() => filesToSign(createImageFs(), [])).toThrow(/holds no kernel module/);
    expect(() => filesToSign(fs, ['/opt/x.ko'])).toThrow(
      /names \/opt\/x.ko, which is not in the image \(modules there: .*a.ko, .*b.ko.xz\)/,
    );
  });
});
