import { IMAGE_SETTINGS, type ImageSettings } from '@kmm-fleet/api';
import * as z from 'zod';

/** What bounds the making of images. */
export interface ImageLimits {
  /** Builds at once. */
  readonly buildsMax: number;
  readonly buildMsMax: number;
  /** Images of one registry that are worked on at once. */
  readonly perRegistryMax: number;
  /** How often a ready image is looked up again; 0: only on doubt. */
  readonly checkMs: number;
  readonly vanished: ImageSettings['KMM_VANISHED_IMAGES'];
}

const MINUTE_MS = 60_000;

export function imageLimits(settings: ImageSettings = z.object(IMAGE_SETTINGS).parse({})): ImageLimits {
  return {
    buildsMax: settings.KMM_BUILDS_MAX,
    buildMsMax: settings.KMM_BUILD_MINUTES_MAX * MINUTE_MS,
    perRegistryMax: settings.KMM_REGISTRY_IMAGES_MAX,
    checkMs: settings.KMM_IMAGE_CHECK_MINUTES * MINUTE_MS,
    vanished: settings.KMM_VANISHED_IMAGES,
  };
}
