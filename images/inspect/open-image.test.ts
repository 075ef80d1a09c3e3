import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { pullImage } from '../layers/pull-image.ts';
import { writeLayer } from '../layers/write-layer.ts';
import { readBytes, sha256 } from '../registry/bytes.ts';
import { MEDIA_TYPES } from '../registry/types.ts';
import { openImage } from './open-image.ts';

const text = (value: unknown) => Buffer.from(JSON.stringify(value));
const registry = {
  image: async () => undefined,
  blob: async () => Buffer.alloc(0),
};

type Files = Record<string, Uint8Array>;
const hex = (bytes: Uint8Array) => sha256(bytes).slice('sha256:'.length);

/** An OCI layout with one image per tag, each holding its tag in a file. */
async function ociLayout(...tags: readonly string[]): Promise<Files> {
  const files: Files = {};
  const put = (bytes: Uint8Array) => {
    files[`blobs/sha256/${hex(bytes)}`] = bytes;
    return { digest: sha256(bytes), size: bytes.byteLength };
  };
  const manifests = [];
  for (const tag of tags) {
    const layer = await layerOf(tag);
    const config = put(text({ architecture: 'arm64', rootfs: { type: 'layers', diff_ids: [layer.diffId] } }));
    const manifest = put(
      text({
        schemaVersion: 2,
        config: { mediaType: MEDIA_TYPES.ociConfig, ...config },
        layers: [{ mediaType: MEDIA_TYPES.ociLayerGzip, ...put(layer.blob) }],
      }),
    );
    const entry = { mediaType: MEDIA_TYPES.ociManifest, ...manifest };
    const platform = { os: 'linux', architecture: 'arm64' };
    const inner = put(text({ schemaVersion: 2, manifests: [{ ...entry, platform }] }));
    const annotations = { 'org.opencontainers.image.ref.name': tag };
    manifests.push({ mediaType: MEDIA_TYPES.ociIndex, ...inner, annotations });
  }
  files['index.json'] = text({ schemaVersion: 2, manifests });
  return files;
}

const layerOf = (content: string) =>
  writeLayer(new Map([['/tag', { type: 'file', mode: 0o644, bytes: Buffer.from(content) }]]));

async function dockerArchive(...tags: readonly string[]): Promise<Files> {
  const files: Files = {};
  const entries = [];
  for (const tag of tags) {
    const layer = await layerOf(tag);
    const config = text({ architecture: 'arm64', rootfs: { type: 'layers', diff_ids: [layer.diffId] } });
    files[`${tag}.tar`] = layer.blob;
    files[`${tag}.json`] = config;
    entries.push({ Config: `${tag}.json`, RepoTags: [`kmod:${tag}`], Layers: [`${tag}.tar`] });
  }
  files['manifest.json'] = text(entries);
  return files;
}

/** The files as one archive, packed as `podman save | gzip` does. */
async function archive(files: Files): Promise<Uint8Array> {
  const entries = Object.entries(files).map(
    ([name, bytes]) => [`/${name}`, { type: 'file', mode: 0o644, bytes }] as const,
  );
  return (await writeLayer(new Map(entries))).blob;
}

async function tagIn(image: string, files: Files): Promise<string> {
  const readFile = async (name: string) => files[name];
  const { source, reference } = await openImage(image, { registry, readFile });
  const { fs } = await pullImage(source, reference, {}, { architecture: 'arm64' });
  return Buffer.from(fs.readFile('/tag') ?? '').toString();
}

const inFolder = (files: Files) =>
  Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`build/image/${name}`, bytes]));

describe('reads an image by its tag, or the only one there is', () => {
  it('from an OCI layout', async () => {
    expect(await tagIn('oci:build/image', inFolder(await ociLayout('one')))).toBe('one');
    expect(await tagIn('oci:build/image:two', inFolder(await ociLayout('one', 'two')))).toBe('two');
  });

  it('from an archive of an OCI layout', async () => {
    expect(
      await tagIn('oci-archive:a.tar:two', { 'a.tar': await archive(await ociLayout('one', 'two')) }),
    ).toBe('two');
  });

  it('from what docker save writes', async () => {
    expect(await tagIn('docker-archive:a.tar', { 'a.tar': await archive(await dockerArchive('one')) })).toBe(
      'one',
    );
    const two = { 'a.tar': await archive(await dockerArchive('one', 'two')) };
    expect(await tagIn('docker-archive:a.tar:kmod:two', two)).toBe('two');
  });
});

it.each([
  ['registry.test/kmod:1', 'registry.test/kmod:1'],
  ['docker://registry.test/kmod:1', 'registry.test/kmod:1'],
])('asks the registry for %s', async (image, reference) => {
  expect(await openImage(image, { registry, readFile: async () => undefined })).toEqual({
    source: registry,
    reference,
  });
});

describe('says in one sentence what is wrong with a file', () => {
  it.each<[string, string, () => Promise<Files>, string, RegExp]>([
    ['no layout', 'oci:build/image', async () => ({}), 'IMAGE_INVALID', /has no index\.json/],
    ['no archive', 'docker-archive:a.tar', async () => ({}), 'IMAGE_NOT_FOUND', /no file a\.tar/],
    ['a text', 'docker-archive:a.tar', async () => ({ 'a.tar': Buffer.from('text') }), 'IMAGE_INVALID', /\w/],
    [
      'several images and no tag',
      'oci:build/image',
      async () => inFolder(await ociLayout('one', 'two')),
      'IMAGE_INVALID',
      /has 2 images; name the tag of one/,
    ],
    [
      'a tag that is not there',
      'oci:build/image:none',
      async () => inFolder(await ociLayout('one')),
      'IMAGE_NOT_FOUND',
      /does not exist/,
    ],
    [
      'an index that is no JSON',
      'oci:build/image',
      async () => ({ 'build/image/index.json': Buffer.from('{') }),
      'IMAGE_INVALID',
      /not JSON/,
    ],
    [
      'other bytes than the digest says',
      'oci:build/image',
      async () => {
        const files = inFolder(await ociLayout('one'));
        for (const name of Object.keys(files))
          if (name.includes('blobs')) files[name] = Buffer.alloc(files[name]?.byteLength ?? 0);
        return files;
      },
      'IMAGE_INVALID',
      /has other bytes than sha256:/,
    ],
    [
      'an archive that names what it does not hold',
      'docker-archive:a.tar',
      async () => {
        const { 'one.tar': _gone, ...files } = await dockerArchive('one');
        return { 'a.tar': await archive(files) };
      },
      'IMAGE_INVALID',
      /names the file "one\.tar", which it does not hold/,
    ],
    [
      'an archive that leads out',
      'oci-archive:a.tar',
      async () => ({ 'a.tar': gzipSync(await tarOf('../../etc/passwd')) }),
      'IMAGE_INVALID',
      /leads out of the image/,
    ],
  ])('%s', async (_name, image, files, code, words) => {
    await expect(tagIn(image, await files())).rejects.toMatchObject({
      code,
      message: expect.stringMatching(words),
    });
  });
});

async function tarOf(name: string): Promise<Buffer> {
  const { pack } = await import('tar-stream');
  const archive = pack();
  archive.entry({ name }, 'x');
  archive.finalize();
  return readBytes(archive as unknown as AsyncIterable<Uint8Array>, 1_000_000, 'archive');
}
