import { IMAGE_SETTINGS, type ImageSettings } from '@kmm-fleet/api';
import { z } from 'zod';

/** What bounds the making of images. */
export interface ImageLimits {
  /** Builds at once. */
  readonly buildsMax: number;
  readonly buildMsMax: number;
}

const MINUTE_MS = 60_000;

export function imageLimits(settings: ImageSettings = z.object(IMAGE_SETTINGS).parse({})): ImageLimits {
  return {
    buildsMax: settings.KMM_BUILDS_MAX,
    buildMsMax: settings.KMM_BUILD_MINUTES_MAX * MINUTE_MS,
  };
}
