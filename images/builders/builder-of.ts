import type { ImageSettings } from '@kmm-fleet/api';
import { createBuildah } from './buildah.ts';
import type { Builder } from './builder.ts';

export interface BuilderPorts {
  /** Extra certificate authorities of registries, PEM. */
  readonly ca?: string | undefined;
  /** The command by which people read a log. */
  readonly readLog: (file: string) => string;
}

/** The builder that an operator is configured for; undefined: somebody else builds. */
export function builderOf(settings: ImageSettings, { ca, readLog }: BuilderPorts): Builder | undefined {
  switch (settings.KMM_BUILDER) {
    case 'buildah':
      return createBuildah({
        directory: settings.KMM_BUILD_DIR,
        ca,
        bytesMax: settings.KMM_BUILD_GIB_MAX * 1024 ** 3,
        readLog,
      });
    case 'external':
      return undefined;
  }
}
