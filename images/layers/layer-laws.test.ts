import { gzipSync } from 'node:zlib';
import { isAppError } from '@kmm-fleet/runtime';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { expect, it } from 'vitest';
import { readBytes } from '../registry/bytes.ts';
import { createImageFs, type FsEntry, type ImageFs } from './image-fs.ts';
import { applyLayer } from './read-layer.ts';
import { writeLayer } from './write-layer.ts';

/** Names as they are on disks: spaces, dots, other scripts, and longer than a tar header has room for. */
const name = fc
  .oneof(
    fc.stringMatching(/^[a-z .é漢-]{1,12}$/),
    fc.stringMatching(/^[a-z]{90,200}$/),
    fc.constantFrom('...', '.wh', 'wh.', ' ', 'a\\b', 'line\nbreak'),
  )
  .filter((text) => text !== '.' && text !== '..');
const mode = fc.oneof(fc.constant(0), fc.nat(0o7777));
const entry: fc.Arbitrary<FsEntry> = fc.oneof(
  fc.record({
    type: fc.constant('file' as const),
    mode,
    bytes: fc.uint8Array({ maxLength: 2_000 }),
  }),
  fc.record({ type: fc.constant('directory' as const), mode }),
  fc.record({
    type: fc.constant('symlink' as const),
    target: fc.oneof(name, fc.constantFrom('/', '../..', 'x'.repeat(300))),
  }),
);
/** Entries at depth one to three; what would stand below a file or a link is left out. */
const layer = fc
  .array(fc.tuple(fc.array(name, { minLength: 1, maxLength: 3 }), entry), { maxLength: 12 })
  .map((list) => {
    const all = new Map(list.map(([parts, value]) => [`/${parts.join('/')}`, value]));
    const isBlocked = (path: string) =>
      [...all].some(([other, { type }]) => type !== 'directory' && path.startsWith(`${other}/`));
    return new Map([...all].filter(([path]) => !isBlocked(path)));
  });

async function apply(fs: ImageFs, entries: ReadonlyMap<string, FsEntry>): Promise<ImageFs> {
  await applyLayer(fs, (await writeLayer(entries)).blob);
  return fs;
}

const contentOf = (fs: ImageFs) =>
  fs.paths().map((path) => {
    const found = fs.lookup(path, true);
    // A Buffer and a Uint8Array of the same bytes are not equal to the test.
    return { path, ...found, bytes: found?.type === 'file' ? Buffer.from(found.bytes).toString('hex') : '' };
  });

it('reads from a written layer what was written', async () => {
  await fc.assert(
    fc.asyncProperty(layer, async (entries) => {
      const [written, read] = [createImageFs(), await apply(createImageFs(), entries)];
      for (const [path, value] of entries) written.write(path, value);

      expect(contentOf(read)).toEqual(contentOf(written));
      for (const [path, { type }] of entries) expect(read.lookup(path, true)?.type).toBe(type);
    }),
    { numRuns: 150 },
  );
});

/** A layer that writes below a link of another may write elsewhere the second time, when it moves where that leads. */
const throughLink = (lower: ReadonlyMap<string, FsEntry>, upper: ReadonlyMap<string, FsEntry>) =>
  [...lower].some(
    ([link, { type }]) => type === 'symlink' && [...upper.keys()].some((path) => path.startsWith(`${link}/`)),
  );

it('changes nothing when a layer is applied twice', async () => {
  await fc.assert(
    fc.asyncProperty(layer, layer, async (lower, upper) => {
      fc.pre(!throughLink(lower, upper));
      const once = await apply(await apply(createImageFs(), lower), upper);
      const before = contentOf(once);

      expect(contentOf(await apply(once, upper))).toEqual(before);
    }),
    { numRuns: 80 },
  );
});

it('takes away by a whiteout what it names with all below, and nothing else', async () => {
  const file = { type: 'file', mode: 0o644, bytes: Buffer.from('x') } as const;
  await fc.assert(
    fc.asyncProperty(layer, fc.nat(), async (entries, pick) => {
      const fs = await apply(createImageFs(), entries);
      const paths = fs.paths().filter((path) => path !== '/');
      const path = paths[pick % Math.max(1, paths.length)];
      if (!path) return;
      const slash = path.lastIndexOf('/');
      const before = contentOf(fs);

      await apply(fs, new Map([[`${path.slice(0, slash)}/.wh.${path.slice(slash + 1)}`, file]]));

      const rest = before.filter(({ path: other }) => other !== path && !other.startsWith(`${path}/`));
      expect(contentOf(fs)).toEqual(rest);
    }),
    { numRuns: 80 },
  );
});

it.each(['a/b/.wh.', 'a/b/.wh..', 'a/b/.wh...', '.wh...'])(
  'refuses the whiteout %s, which names no entry of its directory',
  async (path) => {
    await expect(applyLayer(createImageFs(), await tar({ name: path }))).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
    });
  },
);

it('refuses every path with a step upwards', async () => {
  const parts = fc.array(fc.constantFrom('a', '.', 'b', ''), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(parts, parts, async (before, after) => {
      const path = [...before, '..', ...after].join('/');
      const fs = createImageFs();

      for (const member of [{ name: path }, { name: 'x', type: 'link' as const, linkname: path }]) {
        await expect(applyLayer(fs, await tar(member))).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
      }
      expect(fs.paths()).toEqual(['/']);
    }),
    { numRuns: 60 },
  );
});

it.each<[string, Member]>([
  ['path that is longer than a kernel takes', { name: 'a'.repeat(5_000) }],
  ['name that is longer than a kernel takes', { name: `a/${'b'.repeat(256)}` }],
  ['path of a hundred thousand parts', { name: 'a', pax: { path: 'a/'.repeat(100_000) } }],
  ['path that is deeper than any image', { name: 'a/'.repeat(300) }],
  ['link that is longer than a kernel takes', { name: 'x', type: 'symlink', linkname: 'a/'.repeat(50_000) }],
])('refuses a %s', async (_name, member) => {
  await expect(applyLayer(createImageFs(), await tar(member))).rejects.toMatchObject({
    code: 'IMAGE_INVALID',
  });
});

it('refuses any size beyond the limit by the header alone', async () => {
  const bytes = await tar({ name: 'big' });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 2 ** 30 + 1, max: 8 ** 11 - 1 }), async (size) => {
      bytes.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
      await expect(applyLayer(createImageFs(), checksummed(bytes))).rejects.toMatchObject({
        code: 'IMAGE_INVALID',
        message: expect.stringContaining(`of ${size} bytes`),
      });
    }),
    { numRuns: 50 },
  );
});

/** More than eleven octal digits can say, so that archives write it in one of two other ways. */
const TEN_GB = 10_000_000_000;

it.each<[string, () => Promise<Buffer>]>([
  ['binary', async () => withBinarySize(await tar({ name: 'big' }), TEN_GB)],
  ['an extension', () => tar({ name: 'big', pax: { size: String(TEN_GB) } })],
])('refuses a file of 10 GB by a header that says it in %s', async (_name, archive) => {
  await expect(applyLayer(createImageFs(), await archive())).rejects.toMatchObject({
    code: 'IMAGE_INVALID',
    message: expect.stringContaining(`"big" of ${TEN_GB} bytes`),
  });
});

it('looks up each hard link at once, however many there are', { timeout: 30_000 }, async () => {
  const many = (bytes: Buffer) => Array.from({ length: 20_000 }, () => bytes.subarray(0, 512));
  const file = await tar({ name: 'file' });
  const link = await tar({ name: 'dangling', type: 'link', linkname: 'none' });
  const good = await tar({ name: 'link', type: 'link', linkname: 'file' });
  const fs = createImageFs();

  await applyLayer(fs, Buffer.concat([...many(file), ...many(link), good]));

  expect(fs.paths()).toEqual(['/', '/file', '/link']);
});

it('ends with IMAGE_INVALID or not at all, however a layer is mutilated', async () => {
  const whole = await tar(
    { name: 'a/b.ko', text: 'text' },
    { name: 'l', type: 'symlink', linkname: 'a' },
    {
      name: 'long'.repeat(60),
      text: 'x'.repeat(600),
    },
  );
  const edits = fc.array(fc.tuple(fc.nat(whole.byteLength - 1), fc.nat(255)), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(edits, fc.nat(whole.byteLength), fc.boolean(), async (changes, cut, isZipped) => {
      const tarred = Buffer.from(whole);
      for (const [at, value] of changes) tarred[at] = value;
      const blob = (isZipped ? gzipSync(tarred) : tarred).subarray(0, cut);
      await onlyInvalid(blob);
    }),
    { numRuns: 300 },
  );
});

it('ends with IMAGE_INVALID or not at all, whatever bytes it is given', async () => {
  const magic = fc.constantFrom([], [0x1f, 0x8b, 8, 0], [0x28, 0xb5, 0x2f, 0xfd]);
  await fc.assert(
    fc.asyncProperty(magic, fc.uint8Array({ maxLength: 1_500 }), (start, rest) =>
      onlyInvalid(Buffer.from([...start, ...rest])),
    ),
    { numRuns: 300 },
  );
});

async function onlyInvalid(blob: Uint8Array): Promise<void> {
  try {
    await applyLayer(createImageFs(), blob);
  } catch (error) {
    if (!(isAppError(error) && error.code === 'IMAGE_INVALID')) throw error;
  }
}

type Member = Parameters<ReturnType<typeof pack>['entry']>[0] & { readonly text?: string };

async function tar(...members: readonly Member[]): Promise<Buffer> {
  const archive = pack();
  for (const { text = '', ...header } of members) archive.entry(header, text);
  archive.finalize();
  return readBytes(archive as unknown as AsyncIterable<Uint8Array>, Number.MAX_SAFE_INTEGER, 'tar');
}

function withBinarySize(bytes: Buffer, size: number): Buffer {
  bytes.fill(0, 124, 136).writeUInt8(0x80, 124);
  bytes.writeBigUInt64BE(BigInt(size), 128);
  return checksummed(bytes);
}

/** Mends the checksum of the first header: only then does a reader look at its fields. */
function checksummed(bytes: Buffer): Buffer {
  bytes.fill(' ', 148, 156);
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}
