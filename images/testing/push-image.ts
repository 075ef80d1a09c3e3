import { AppError } from '@kmm-fleet/runtime';
import type { FsEntry } from '../layers/image-fs.ts';
import { writeLayer } from '../layers/write-layer.ts';
import { sha256 } from '../registry/bytes.ts';
import type { Registry } from '../registry/registry.ts';
import { MEDIA_TYPES, type RegistryAccess } from '../registry/types.ts';

/** Pushes an image of one layer with these files and returns its digest. */
export async function pushImage(
  registry: Registry,
  reference: string,
  access: RegistryAccess,
  files: Readonly<Record<string, Uint8Array | string | FsEntry>>,
  labels: Readonly<Record<string, string>> = {},
): Promise<string> {
  if (Object.keys(files).length === 0) throw new AppError('IMAGE_INVALID', 'An image needs a file.');
  const layer = await writeLayer(
    new Map(Object.entries(files).map(([path, content]) => [path, toEntry(content)])),
  );
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Labels: labels, Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'] },
      rootfs: { type: 'layers', diff_ids: [layer.diffId] },
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: { mediaType: MEDIA_TYPES.ociConfig, digest: sha256(config), size: config.byteLength },
      layers: [{ mediaType: MEDIA_TYPES.ociLayerGzip, digest: layer.digest, size: layer.blob.byteLength }],
    }),
  );
  await registry.putBlob(reference, layer.blob, access);
  await registry.putBlob(reference, config, access);
  return registry.putManifest(reference, MEDIA_TYPES.ociManifest, manifest, access);
}

/** `-> target` is a symbolic link; every other text is an executable file. */
function toEntry(content: Uint8Array | string | FsEntry): FsEntry {
  if (typeof content !== 'string' && 'type' in content) return content;
  if (typeof content !== 'string') return { type: 'file', mode: 0o644, bytes: content };
  if (content.startsWith('-> ')) return { type: 'symlink', target: content.slice(3) };
  return { type: 'file', mode: 0o755, bytes: Buffer.from(content) };
}
