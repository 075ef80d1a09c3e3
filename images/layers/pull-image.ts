import { AppError } from '@kmm-fleet/runtime';
import type { Registry, RemoteImage } from '../registry/registry.ts';
import type { RegistryAccess } from '../registry/types.ts';
import { createImageFs, type ImageFs } from './image-fs.ts';
import { applyLayer, LAYER_LIMITS, type LayerLimits } from './read-layer.ts';

export interface PulledImage extends RemoteImage {
  readonly fs: ImageFs;
}

/** Where images are read from: a registry, or a file. */
export type ImageSource = Pick<Registry, 'image' | 'blob'> & Partial<Pick<Registry, 'stream'>>;

/** Layers up to this size are read whole; larger ones pass through. */
const WHOLE_BYTES_MAX = 8 * 1024 * 1024;

/** Pulls an image and lays its layers over each other. @throws {AppError} IMAGE_NOT_FOUND when there is none */
export async function pullImage(
  source: ImageSource,
  reference: string,
  access: RegistryAccess,
  options: {
    readonly signal?: AbortSignal;
    readonly limits?: LayerLimits;
    readonly keep?: (path: string) => boolean;
    /** Of an image for several; `amd64` when left out. */
    readonly architecture?: string;
  } = {},
): Promise<PulledImage> {
  const image = await source.image(reference, access, options.signal, options.architecture);
  if (!image) throw new AppError('IMAGE_NOT_FOUND', `Image ${reference} does not exist.`);
  const fs = createImageFs();
  const limits = options.limits ?? LAYER_LIMITS;
  let kept = 0;
  for (const layer of image.manifest.layers) {
    const isLarge = layer.size > WHOLE_BYTES_MAX;
    const pieces = isLarge ? source.stream?.(reference, layer, access, options.signal) : undefined;
    const blob = pieces ?? (await source.blob(reference, layer, access, options.signal));
    kept += await applyLayer(fs, blob, limits, options.keep);
    // Five hundred layers, each within its limit, would still fill the memory.
    if (kept > limits.layerBytesMax)
      throw new AppError(
        'IMAGE_INVALID',
        `Image ${reference} holds more than ${limits.layerBytesMax} bytes.`,
      );
  }
  return { ...image, fs };
}
