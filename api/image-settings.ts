import { z } from 'zod';

const count = (min: number, otherwise: number) => z.coerce.number().int().min(min).default(otherwise);

/** Settings of whoever makes images, a hub or the operator of a cluster without one, from the environment. */
export const IMAGE_SETTINGS = {
  KMM_REGISTRY_CA_FILE: z.string().optional().describe('Extra certificate authorities of registries, PEM.'),
  KMM_BUILDER: z
    .enum(['buildah', 'external'])
    .default('buildah')
    .describe('Who builds: buildah beside this program, or somebody else, whose images are waited for.'),
  KMM_BUILD_DIR: z
    .string()
    .default('/var/lib/kmm/builds')
    .describe('Where buildah keeps containers and logs.'),
  KMM_BUILDS_MAX: count(1, 2).describe('Builds at once.'),
  KMM_REGISTRY_IMAGES_MAX: count(1, 8).describe('Images of one registry that are worked on at once.'),
  KMM_IMAGE_CHECK_MINUTES: count(0, 60).describe(
    'How often a ready image is looked up again; 0: only when a cluster cannot pull it.',
  ),
  KMM_VANISHED_IMAGES: z
    .enum(['Rebuild', 'Report'])
    .default('Rebuild')
    .describe('What follows when a ready image is gone from its registry.'),
  KMM_BUILD_GIB_MAX: count(1, 10).describe('How much the disk of the builds may grow during one.'),
  KMM_BUILD_MINUTES_MAX: count(1, 120).describe('How long a build may take.'),
};
export type ImageSettings = z.output<z.ZodObject<typeof IMAGE_SETTINGS>>;
