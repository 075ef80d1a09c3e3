import { AppError, isAppError } from '@kmm-fleet/runtime';
import type { FsEntry, ImageFs } from '../layers/image-fs.ts';
import { type PulledImage, pullImage } from '../layers/pull-image.ts';
import { LAYER_LIMITS } from '../layers/read-layer.ts';
import { type WrittenLayer, writeLayer } from '../layers/write-layer.ts';
import {
  compressionOf,
  isModuleName,
  MODULE_BYTES_MAX,
  packModule,
  unpackModule,
} from '../module/pack-module.ts';
import { moduleArchitecture } from '../module/read-module.ts';
import { sha256 } from '../registry/bytes.ts';
import { plainText } from '../registry/plain-text.ts';
import type { Registry, RemoteImage } from '../registry/registry.ts';
import { type ImageConfig, type ImageManifest, MEDIA_TYPES, type RegistryAccess } from '../registry/types.ts';
import { readFileList } from './file-list.ts';
import { type SigningPair, signModule } from './module-signature.ts';
import { judgeModule } from './verify-module.ts';

export interface SignRequest {
  readonly source: string;
  readonly sourceAccess: RegistryAccess;
  readonly target: string;
  readonly targetAccess: RegistryAccess;
  /** Exact paths or globs; none means every module. A glob takes files that are named as modules are. */
  readonly files: readonly string[];
  readonly pair: SigningPair;
  /** Added to the labels of the image. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface SignedImage {
  readonly digest: string;
  /** Paths of the modules, sorted. */
  readonly signed: readonly string[];
  /** Whose signatures were replaced, sorted: names, or key identifiers where there is none. */
  readonly replaced: readonly string[];
}

/**
 * Signs kernel modules of an image and pushes the result under the target: one new layer with the signed files on top
 * of the layers of the source. A packed module is unpacked, signed and packed again. Equal input gives an equal digest.
 *
 * @throws {AppError} SIGN_FAILED when a listed file is not there; IMAGE_INVALID when one is no kernel module, or one of
 *   another architecture than the image; PROGRAM_MISSING when a `.ko.xz` is there and no `xz`
 */
export async function signImage(
  registry: Registry,
  request: SignRequest,
  signal?: AbortSignal,
): Promise<SignedImage> {
  const { names } = readFileList(request.files);
  const keep = (path: string) => isModuleName(path) || names(path);
  const image = await pullImage(registry, request.source, request.sourceAccess, {
    keep,
    ...(signal && { signal }),
  });
  const paths = filesToSign(image.fs, request.files);
  const { entries, replaced } = await signEntries(image, paths, request.pair, signal);
  const layer = await writeLayer(entries);
  const config = Buffer.from(JSON.stringify(withLayer(image.config, layer, request.labels)));
  const manifest = Buffer.from(JSON.stringify(signedManifest(image, layer, config)));
  const from = { reference: request.source, access: request.sourceAccess };
  const to = { reference: request.target, access: request.targetAccess };
  for (const base of image.manifest.layers) await registry.copyBlob(from, to, base, signal);
  await registry.putBlob(request.target, layer.blob, request.targetAccess, signal);
  await registry.putBlob(request.target, config, request.targetAccess, signal);
  const digest = await registry.putManifest(
    request.target,
    manifestType(image),
    manifest,
    request.targetAccess,
    signal,
  );
  return { digest, signed: paths, replaced };
}

/** Paths in the image that the list asks for, sorted. @throws {AppError} SIGN_FAILED naming what is not there */
export function filesToSign(fs: ImageFs, files: readonly string[]): string[] {
  const all = fs.paths().filter((path) => fs.lookup(path, true)?.type === 'file');
  const modules = all.filter(isModuleName);
  if (files.length === 0 && modules.length === 0)
    throw new AppError('SIGN_FAILED', 'The image holds no kernel module: no .ko, .ko.gz, .ko.xz or .ko.zst.');
  if (files.length === 0) return modules;
  const chosen = new Set<string>();
  const globs = files.filter((file) => {
    const exact = fs.realPath(file);
    const isThere = exact !== undefined && fs.lookup(exact)?.type === 'file';
    if (isThere) chosen.add(exact);
    return !isThere;
  });
  const unmatched = new Set(globs.keys());
  const { globsFor } = readFileList(globs);
  for (const path of globs.length > 0 ? modules : []) {
    const matching = globsFor(path);
    for (const index of matching) unmatched.delete(index);
    if (matching.length > 0) chosen.add(path);
  }
  for (const index of unmatched) throw notThere(globs[index] ?? '', modules);
  return [...chosen].sort();
}

function notThere(pattern: string, modules: readonly string[]): AppError {
  const there = plainText(modules.slice(0, 5).join(', ')) || 'none';
  const message = `filesToSign names ${plainText(pattern)}, which is not in the image (modules there: ${there}).`;
  return new AppError('SIGN_FAILED', message);
}

/** One after another: unpacked modules are large. All of them together may be as large as a layer. */
async function signEntries(
  { fs, config }: PulledImage,
  paths: readonly string[],
  pair: SigningPair,
  signal: AbortSignal | undefined,
): Promise<{ readonly entries: Map<string, FsEntry>; readonly replaced: string[] }> {
  const signed = new Map<string, FsEntry>();
  const signers = new Set<string>();
  let left = LAYER_LIMITS.layerBytesMax;
  for (const path of paths) {
    const entry = fs.lookup(path);
    if (entry?.type !== 'file') throw new AppError('SIGN_FAILED', `${path} is no file.`);
    const module = await unpackModule(entry.bytes, Math.min(left, MODULE_BYTES_MAX), signal).catch(
      withPath(path),
    );
    left -= module.byteLength;
    checkModule(path, module, config);
    const before = judgeModule(module, [pair.certificate], new Date(0));
    if (before.verdict === 'other-key') signers.add(before.signer || before.keyId || 'an unknown key');
    const bytes = await packModule(signModule(module, pair), compressionOf(entry.bytes), signal);
    signed.set(path, { ...entry, bytes });
  }
  return { entries: signed, replaced: [...signers].sort() };
}

/** A signature on anything else would tell that all is well, until a node refuses it. */
function checkModule(path: string, module: Uint8Array, { architecture }: ImageConfig): void {
  const built = architectureAt(path, module);
  if (!architecture || built === architecture) return;
  throw new AppError(
    'IMAGE_INVALID',
    `${path} is built for ${built}, but the image says it is for ${architecture}.`,
  );
}

function architectureAt(path: string, module: Uint8Array): string {
  try {
    return moduleArchitecture(module);
  } catch (error) {
    return withPath(path)(error);
  }
}

function withPath(path: string): (error: unknown) => never {
  return (error) => {
    if (!isAppError(error) || error.code !== 'IMAGE_INVALID') throw error;
    throw new AppError(error.code, `${path}: ${error.message}`, { cause: error });
  };
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
