import * as z from 'zod';
import { Toleration } from './kinds/module.ts';

const count = (min: number, otherwise: number) => z.coerce.number().int().min(min).default(otherwise);

const json = <T extends z.ZodType>(schema: T, otherwise: string) =>
  z
    .string()
    .default(otherwise)
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue('is not JSON');
        return z.NEVER;
      }
    })
    .pipe(schema);

/** Who makes images from Dockerfiles. */
export const BUILDERS = ['buildah', 'job', 'openshift', 'external'] as const;
export type BuilderName = (typeof BUILDERS)[number];

const Quantities = z.record(z.string(), z.string());
const Resources = z.strictObject({ requests: Quantities.optional(), limits: Quantities.optional() });

/** Settings of whoever makes images, a hub or the operator of a cluster without one, from the environment. */
export const IMAGE_SETTINGS = {
  KMM_REGISTRY_CA_FILE: z.string().optional().describe('Extra certificate authorities of registries, PEM.'),
  KMM_BUILDER: z
    .enum(BUILDERS)
    .default('buildah')
    .describe(
      'Who builds: buildah beside this program, buildah in a Job for each build, a Build of OpenShift for each, or somebody else, whose images are waited for.',
    ),
  KMM_BUILD_IMAGE: z
    .string()
    .optional()
    .describe('Image with buildah for the pods of builds, with KMM_BUILDER=job.'),
  KMM_BUILD_PULL_SECRET: z
    .string()
    .optional()
    .describe('Secret beside the operator with the login for that image.'),
  KMM_BUILD_TOLERATIONS: json(z.array(Toleration).max(64), '[]').describe(
    'Tolerations of the pods of builds, as JSON; Builds of OpenShift have none.',
  ),
  KMM_BUILD_RESOURCES: json(Resources, '{}').describe(
    'Requests and limits of the containers of builds, as JSON.',
  ),
  KMM_BUILD_DIR: z
    .string()
    .default('/var/lib/kmm/builds')
    .describe('Where buildah keeps containers, and logs of builds are.'),
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

/** Rules over settings, for schemas that hold {@link IMAGE_SETTINGS}. */
export function checkBuilder(
  {
    KMM_BUILDER,
    KMM_BUILD_IMAGE,
    KMM_BUILD_TOLERATIONS,
  }: Pick<ImageSettings, 'KMM_BUILDER' | 'KMM_BUILD_IMAGE' | 'KMM_BUILD_TOLERATIONS'>,
  context: Pick<z.RefinementCtx, 'addIssue'>,
): void {
  const refuse = (field: string, message: string) =>
    context.addIssue({ code: 'custom', path: [field], message });
  if (KMM_BUILDER === 'job' && KMM_BUILD_IMAGE === undefined)
    refuse('KMM_BUILD_IMAGE', 'KMM_BUILDER=job needs an image with buildah');
  if (KMM_BUILDER === 'openshift' && KMM_BUILD_TOLERATIONS.length > 0)
    refuse(
      'KMM_BUILD_TOLERATIONS',
      'Builds of OpenShift have none; choose their nodes with the build selector',
    );
}
