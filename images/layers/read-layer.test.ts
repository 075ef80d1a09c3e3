import { gzipSync, zstdCompressSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { expect, it } from 'vitest';
import { createImageFs } from './image-fs.ts';
import { applyLayer } from './read-layer.ts';
import { writeLayer } from './write-layer.ts';

type Member = Parameters<ReturnType<typeof pack>['entry']>[0] & { readonly text?: string };

async function tar(...members: readonly Member[]): Promise<Buffer> {
  const archive = pack();
  for (const { text = '', ...header } of members) archive.entry(header, text);
  archive.finalize();
  const parts: Buffer[] = [];
  for await (const part of archive as unknown as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

it.each([
  ['plain', (bytes: Buffer) => bytes],
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
])('reads a %s layer', async (_name, compress) => {
  const fs = createImageFs();

  await applyLayer(
    fs,
    compress(
      await tar({ name: 'opt/a.ko', text: 'A' }, { name: 'bin/sh', type: 'symlink', linkname: 'dash' }),
    ),
  );

  expect(Buffer.from(fs.readFile('/opt/a.ko') ?? []).toString()).toBe('A');
  expect(fs.lookup('/bin/sh', true)).toEqual({ type: 'symlink', target: 'dash' });
});

it('removes what whiteouts name, and only in the layers below', async () => {
  const fs = createImageFs();
  await applyLayer(
    fs,
    await tar({ name: 'a/one', text: '1' }, { name: 'a/two', text: '2' }, { name: 'b/three', text: '3' }),
  );

  await applyLayer(
    fs,
    await tar({ name: 'a/new', text: 'n' }, { name: 'a/.wh.one' }, { name: 'b/.wh..wh..opq' }),
  );

  expect(fs.list('/a')).toEqual(['new', 'two']);
  expect(fs.list('/b')).toEqual([]);
});

it.each([
  ['a path that climbs out', { name: '../../etc/passwd', text: 'x' }],
  ['a path that climbs out in the middle', { name: 'opt/../../etc/passwd', text: 'x' }],
  ['a hard link that climbs out', { name: 'opt/x', type: 'link' as const, linkname: '../../etc/shadow' }],
])('refuses %s', async (_name, member) => {
  await expect(applyLayer(createImageFs(), await tar(member))).rejects.toMatchObject({
    code: 'IMAGE_INVALID',
  });
});

it('keeps links inside the root, wherever they point', async () => {
  const fs = createImageFs();
  await applyLayer(
    fs,
    await tar(
      { name: 'etc/passwd', text: 'ours' },
      { name: 'x', type: 'symlink', linkname: '../../../../etc' },
    ),
  );

  expect(Buffer.from(fs.readFile('/x/passwd') ?? []).toString()).toBe('ours');
});

it('refuses a bomb by its limits', async () => {
  const blob = gzipSync(await tar({ name: 'zeros', text: '0'.repeat(200_000) }));
  const limits = { layerBytesMax: 100_000, entriesMax: 10 };

  await expect(applyLayer(createImageFs(), blob, limits)).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  const many = await tar(...Array.from({ length: 20 }, (_, index) => ({ name: `f${index}` })));
  await expect(applyLayer(createImageFs(), many, limits)).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
});

it('writes equal entries to equal bytes, in whatever order they come', async () => {
  const file = (text: string) => ({ type: 'file', mode: 0o644, bytes: Buffer.from(text) }) as const;

  const one = await writeLayer(
    new Map([
      ['/b', file('B')],
      ['/a', file('A')],
    ]),
  );
  const two = await writeLayer(
    new Map([
      ['/a', file('A')],
      ['/b', file('B')],
    ]),
  );

  expect(one).toEqual(two);
});
