import { AppError } from '@kmm-fleet/runtime';
import * as z from 'zod';
import type { ImageSource } from '../layers/pull-image.ts';
import { sha256 } from '../registry/bytes.ts';
import { type Descriptor, ImageConfig, MEDIA_TYPES } from '../registry/types.ts';

const Manifest = z
  .array(
    z.looseObject({
      Config: z.string(),
      RepoTags: z.array(z.string()).nullish(),
      Layers: z.array(z.string()).max(512),
    }),
  )
  .max(512);

/**
 * An image in the archive that `docker save` and `podman save` write. The reference is a repository with its tag, or ''
 * for the only image there is. Its digest is the one of its config, which is what Docker calls the image id.
 *
 * @param files names and bytes of the archive
 * @throws {AppError} IMAGE_INVALID for what is no such archive
 */
export function createDockerArchive(files: ReadonlyMap<string, Uint8Array>): ImageSource {
  const part = (name: string): Uint8Array => {
    const bytes = files.get(name);
    if (bytes) return bytes;
    throw invalid(`names the file ${JSON.stringify(name)}, which it does not hold`);
  };
  const layers = new Map<string, Uint8Array>();
  const layerOf = (name: string): Descriptor => {
    const bytes = part(name);
    const digest = sha256(bytes);
    layers.set(digest, bytes);
    return { mediaType: 'application/vnd.docker.image.rootfs.diff.tar', digest, size: bytes.byteLength };
  };
  return {
    async image(tag) {
      const manifest = Manifest.safeParse(parse(part('manifest.json')));
      if (!manifest.success) throw invalid('has a manifest.json that cannot be read');
      const entry = pick(manifest.data, tag);
      if (!entry) return undefined;
      const raw = part(entry.Config);
      const config = ImageConfig.safeParse(parse(raw));
      if (!config.success) throw invalid('has an image config that cannot be read');
      const digest = sha256(raw);
      return {
        digest,
        mediaType: MEDIA_TYPES.dockerManifest,
        manifest: {
          schemaVersion: 2,
          config: { mediaType: MEDIA_TYPES.ociConfig, digest, size: raw.byteLength },
          layers: entry.Layers.map(layerOf),
        },
        config: config.data,
      };
    },
    async blob(_tag, { digest }) {
      const bytes = layers.get(digest);
      if (!bytes) throw invalid(`has no layer ${digest}`);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
  };
}

function pick(entries: z.infer<typeof Manifest>, tag: string) {
  if (tag !== '') return entries.find(({ RepoTags }) => RepoTags?.includes(tag));
  if (entries.length > 1) throw invalid(`has ${entries.length} images; name the tag of one`);
  return entries[0];
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw invalid('has a document that is not JSON');
  }
}

const invalid = (problem: string) => new AppError('IMAGE_INVALID', `The Docker archive ${problem}.`);
