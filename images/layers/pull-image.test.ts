import { createManualClock, createRandom } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { sha256 } from '../registry/bytes.ts';
import { createRegistry } from '../registry/registry.ts';
import { MEDIA_TYPES } from '../registry/types.ts';
import { createMemoryRegistry } from '../testing/memory-registry.ts';
import { pullImage } from './pull-image.ts';
import { type WrittenLayer, writeLayer } from './write-layer.ts';

const REF = 'registry.test/team/kmod:1';

/** An image with one layer per map of files. */
async function world(...layers: readonly Readonly<Record<string, string>>[]) {
  const registry = createRegistry({
    transport: createMemoryRegistry(),
    clock: createManualClock(),
    random: createRandom(1),
  });
  const written: WrittenLayer[] = [];
  for (const files of layers) {
    const entries = Object.entries(files).map(
      ([path, text]) => [path, { type: 'file', mode: 0o644, bytes: Buffer.from(text) }] as const,
    );
    written.push(await writeLayer(new Map(entries)));
  }
  const config = { rootfs: { type: 'layers', diff_ids: written.map(({ diffId }) => diffId) } };
  const configBytes = Buffer.from(JSON.stringify(config));
  for (const bytes of [configBytes, ...written.map(({ blob }) => blob)])
    await registry.putBlob(REF, bytes, {});
  const descriptor = (mediaType: string, bytes: Uint8Array) => ({
    mediaType,
    digest: sha256(bytes),
    size: bytes.byteLength,
  });
  const manifest = {
    schemaVersion: 2,
    config: descriptor(MEDIA_TYPES.ociConfig, configBytes),
    layers: written.map(({ blob }) => descriptor(MEDIA_TYPES.ociLayerGzip, blob)),
  };
  await registry.putManifest(REF, MEDIA_TYPES.ociManifest, Buffer.from(JSON.stringify(manifest)), {});
  return registry;
}

it('lays the layers over each other in their order', async () => {
  const registry = await world({ '/a': 'old', '/b': 'kept' }, { '/a': 'new' });

  const { fs } = await pullImage(registry, REF, {});

  expect(Buffer.from(fs.readFile('/a') ?? '').toString()).toBe('new');
  expect(Buffer.from(fs.readFile('/b') ?? '').toString()).toBe('kept');
});

it('says IMAGE_NOT_FOUND for an image that is not there', async () => {
  const registry = await world({ '/a': 'x' });

  await expect(pullImage(registry, 'registry.test/none:1', {})).rejects.toMatchObject({
    code: 'IMAGE_NOT_FOUND',
  });
});

it('keeps no more of all layers together than of one, and counts only what is wanted', async () => {
  const registry = await world({ '/a.ko': 'a'.repeat(6_000) }, { '/b.ko': 'b'.repeat(6_000) });
  const limits = { layerBytesMax: 10_000, entriesMax: 10 };

  await expect(pullImage(registry, REF, {}, { limits })).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  const { fs } = await pullImage(registry, REF, {}, { limits, keep: (path) => path === '/a.ko' });
  expect(fs.readFile('/a.ko')?.byteLength).toBe(6_000);
});
