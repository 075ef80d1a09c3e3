import { z } from 'zod';

const count = (min: number, otherwise: number) => z.coerce.number().int().min(min).default(otherwise);

/** Settings of whoever makes images, a hub or the operator of a cluster without one, from the environment. */
export const IMAGE_SETTINGS = {
  KMM_REGISTRY_CA_FILE: z.string().optional().describe('Extra certificate authorities of registries, PEM.'),
  KMM_BUILD_DIR: z
    .string()
    .default('/var/lib/kmm/builds')
    .describe('Where buildah keeps containers and logs.'),
  KMM_BUILDS_MAX: count(1, 2).describe('Builds at once.'),
  KMM_BUILD_MINUTES_MAX: count(1, 120).describe('How long a build may take.'),
};
export type ImageSettings = z.output<z.ZodObject<typeof IMAGE_SETTINGS>>;
