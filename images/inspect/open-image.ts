import { posix } from 'node:path';
import { AppError } from '@kmm-fleet/runtime';
import { createImageFs } from '../layers/image-fs.ts';
import type { ImageSource } from '../layers/pull-image.ts';
import { applyLayer, LAYER_LIMITS } from '../layers/read-layer.ts';
import { createDockerArchive } from './docker-archive.ts';
import { createOciLayout, type ReadPart } from './oci-layout.ts';

export interface OpenPorts {
  readonly registry: ImageSource;
  /** A file of this machine; undefined when it is not there. */
  readonly readFile: ReadPart;
}

export interface OpenedImage {
  readonly source: ImageSource;
  /** What the source calls the image: a reference, or the tag in a file. */
  readonly reference: string;
}

/** Bytes of an archive: as many as one layer may have. */
const ARCHIVE_BYTES_MAX = LAYER_LIMITS.layerBytesMax;

/**
 * Finds the source of an image by the transport before its name, as skopeo and podman write it:
 * `docker://` (or nothing) a registry, `oci:FOLDER[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:REPOSITORY:TAG]`.
 *
 * @throws {AppError} IMAGE_NOT_FOUND when there is no such file, IMAGE_INVALID when it is no image
 */
export async function openImage(text: string, { registry, readFile }: OpenPorts): Promise<OpenedImage> {
  const [, transport = '', path = '', tag = ''] =
    /^(oci|oci-archive|docker-archive):([^:]+)(?::(.*))?$/.exec(text) ?? [];
  if (transport === '') return { source: registry, reference: text.replace(/^docker:\/\//, '') };
  const folder: ReadPart = (name, bytesMax) => readFile(posix.join(path, name), bytesMax);
  if (transport === 'oci') return { source: createOciLayout(folder), reference: tag };
  const files = await readArchive(path, readFile);
  const inArchive: ReadPart = async (name) => files.get(name);
  const source = transport === 'oci-archive' ? createOciLayout(inArchive) : createDockerArchive(files);
  return { source, reference: tag };
}

/** An archive is read as a layer is: the same bounds, and no path leads out. */
async function readArchive(path: string, readFile: ReadPart): Promise<Map<string, Uint8Array>> {
  const bytes = await readFile(path, ARCHIVE_BYTES_MAX);
  if (!bytes) throw new AppError('IMAGE_NOT_FOUND', `There is no file ${path}.`);
  const fs = createImageFs();
  await applyLayer(fs, bytes);
  return new Map(
    fs.paths().flatMap((name) => {
      const file = fs.readFile(name);
      return file ? [[name.slice(1), file] as const] : [];
    }),
  );
}
