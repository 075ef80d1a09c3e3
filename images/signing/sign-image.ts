import { matchesGlob } from 'node:path';
import { AppError } from '@kmm-fleet/runtime';
import type { FsEntry, ImageFs } from '../layers/image-fs.ts';
import { pullImage } from '../layers/pull-image.ts';
import { type WrittenLayer, writeLayer } from '../layers/write-layer.ts';
import { sha256 } from '../registry/bytes.ts';
import type { Registry, RemoteImage } from '../registry/registry.ts';
import { type ImageConfig, type ImageManifest, MEDIA_TYPES, type RegistryAccess } from '../registry/types.ts';
import { type SigningPair, signModule } from './module-signature.ts';

export interface SignRequest {
  readonly source: string;
  readonly sourceAccess: RegistryAccess;
  readonly target: string;
  readonly targetAccess: RegistryAccess;
  /** Exact paths or globs; none means every `.ko`. */
  readonly files: readonly string[];
  readonly pair: SigningPair;
  /** Added to the labels of the image. */
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Signs kernel modules of an image and pushes the result under the target: one new layer with the signed files on top
 * of the layers of the source. Equal input gives an equal digest.
 *
 * @throws {AppError} SIGN_FAILED when a listed file is not there or is compressed
 */
export async function signImage(
  registry: Registry,
  request: SignRequest,
  signal?: AbortSignal,
): Promise<{ readonly digest: string; readonly signed: readonly string[] }> {
  const keep = (path: string) =>
    path.endsWith('.ko') || request.files.some((pattern) => matchesGlob(path, pattern));
  const image = await pullImage(registry, request.source, request.sourceAccess, {
    keep,
    ...(signal && { signal }),
  });
  const paths = filesToSign(image.fs, request.files);
  const layer = await writeLayer(
    new Map(paths.map((path) => [path, signEntry(image.fs, path, request.pair)])),
  );
  const config = Buffer.from(JSON.stringify(withLayer(image.config, layer, request.labels)));
  const manifest = Buffer.from(JSON.stringify(signedManifest(image, layer, config)));
  for (const base of image.manifest.layers) {
    await registry.copyBlob(request.source, request.target, base, request.targetAccess, signal);
  }
  await registry.putBlob(request.target, layer.blob, request.targetAccess, signal);
  await registry.putBlob(request.target, config, request.targetAccess, signal);
  const digest = await registry.putManifest(
    request.target,
    manifestType(image),
    manifest,
    request.targetAccess,
    signal,
  );
  return { digest, signed: paths };
}

/** Paths in the image that the list asks for, sorted. */
export function filesToSign(fs: ImageFs, files: readonly string[]): string[] {
  const all = fs.paths().filter((path) => fs.lookup(path, true)?.type === 'file');
  const modules = all.filter((path) => path.endsWith('.ko'));
  if (files.length === 0) {
    if (modules.length > 0) return modules;
    throw new AppError('SIGN_FAILED', `The image holds no .ko file.${compressedHint(all)}`);
  }
  const chosen = files.flatMap((pattern) => {
    const matches = all.filter((path) => path === pattern || matchesGlob(path, pattern));
    if (matches.length > 0) return matches;
    const there = modules.slice(0, 5).join(', ') || 'none';
    throw new AppError(
      'SIGN_FAILED',
      `filesToSign names ${pattern}, which is not in the image (modules there: ${there}).`,
    );
  });
  const compressed = chosen.find((path) => /\.ko\.(xz|gz|zst)$/.test(path));
  if (compressed)
    throw new AppError(
      'SIGN_FAILED',
      `${compressed} is compressed; compressed modules cannot be signed yet.`,
    );
  return [...new Set(chosen)].sort();
}

function compressedHint(all: readonly string[]): string {
  const compressed = all.find((path) => /\.ko\.(xz|gz|zst)$/.test(path));
  return compressed ? ` ${compressed} is compressed; compressed modules cannot be signed yet.` : '';
}

function signEntry(fs: ImageFs, path: string, pair: SigningPair): FsEntry {
  const entry = fs.lookup(path);
  if (entry?.type !== 'file') throw new AppError('SIGN_FAILED', `${path} is no file.`);
  return { ...entry, bytes: signModule(entry.bytes, pair) };
}

function withLayer(
  config: ImageConfig,
  layer: WrittenLayer,
  labels: Readonly<Record<string, string>>,
): ImageConfig {
  const history = [...(config.history ?? []), { created_by: 'kmm sign', comment: 'kernel modules signed' }];
  return {
    ...config,
    config: { ...config.config, Labels: { ...config.config?.Labels, ...labels } },
    rootfs: { ...config.rootfs, diff_ids: [...config.rootfs.diff_ids, layer.diffId] },
    history,
  };
}

function signedManifest(image: RemoteImage, layer: WrittenLayer, config: Uint8Array): ImageManifest {
  const isDocker = manifestType(image) === MEDIA_TYPES.dockerManifest;
  return {
    ...image.manifest,
    mediaType: manifestType(image),
    config: { ...image.manifest.config, digest: sha256(config), size: config.byteLength },
    layers: [
      ...image.manifest.layers,
      {
        mediaType: isDocker ? MEDIA_TYPES.dockerLayerGzip : MEDIA_TYPES.ociLayerGzip,
        digest: layer.digest,
        size: layer.blob.byteLength,
      },
    ],
  };
}

function manifestType({ mediaType }: RemoteImage): string {
  return mediaType === MEDIA_TYPES.dockerManifest ? MEDIA_TYPES.dockerManifest : MEDIA_TYPES.ociManifest;
}
