import * as z from 'zod';
import { HUB_GROUP, VERSION } from '../names.ts';
import { Conditions, Count, LocalObjectReference, ObjectMeta, ObservedGeneration } from './common.ts';
import { Build, Sign, TlsOptions } from './loader.ts';

/** One image that modules want: final reference and kernel. docs/decisions/0003 says why it is an object. */

export const ModuleImageSpec = z
  .strictObject({
    image: z.string().min(1).max(1024).describe('The final reference, substituted.'),
    kernelVersion: z.string().min(1).max(256).describe('The kernel release that it is for.'),
    module: z
      .strictObject({
        name: z.string().describe('Name of the module.'),
        namespace: z.string().describe('Namespace that Secrets and ConfigMaps are read from.'),
      })
      .describe('Whose name goes into build arguments; namespace of Secrets and ConfigMaps.'),
    build: Build.optional(),
    sign: Sign.optional(),
    registryTLS: TlsOptions.optional(),
    imageRepoSecret: LocalObjectReference.optional(),
    imageRebuildTriggerGeneration: z
      .int()
      .meta({ format: 'int32' })
      .optional()
      .describe('Of the module: another number builds again.'),
  })
  .describe('The recipe, complete.');
export type ModuleImageSpec = z.infer<typeof ModuleImageSpec>;

export const IMAGE_STATES = [
  'Wanted',
  'Building',
  'Built',
  'Signing',
  'Ready',
  'Failed',
  'Missing',
  'Conflict',
] as const;
export type ImageState = (typeof IMAGE_STATES)[number];

const BaseImage = z.strictObject({
  reference: z.string().describe('As the Dockerfile has it.'),
  digest: z.string().describe('What it named when it was resolved.'),
});

export const ModuleImageStatus = z.strictObject({
  observedGeneration: ObservedGeneration,
  state: z.enum(IMAGE_STATES).optional().describe('How far it is.'),
  digest: z.string().optional().describe('Of the final image; the last good one while a new one is made.'),
  inputsHash: z.string().optional().describe('Of the inputs that digest was made from.'),
  staticHash: z
    .string()
    .optional()
    .describe('Of the build without its base images, when bases were resolved.'),
  bases: z.array(BaseImage).max(64).optional().describe('Base images, as resolved for staticHash.'),
  attempt: z
    .strictObject({
      inputsHash: z.string().describe('Of the inputs that were tried.'),
      failures: Count().describe('How many tries failed.'),
      defects: Count()
        .optional()
        .describe('How many of them the inputs were to blame for: after some it is not tried again.'),
      nextTime: z.string().meta({ format: 'date-time' }).optional().describe('When it is tried again.'),
    })
    .optional()
    .describe('Failures in a row on the same inputs and with the same access to registries.'),
  startTime: z
    .string()
    .meta({ format: 'date-time' })
    .optional()
    .describe('While it is built or signed: since when.'),
  conditions: Conditions.optional().describe('What is to be known beside the state.'),
  wantedBy: Count().optional().describe('Clusters that want it.'),
  reason: z.string().max(256).optional().describe('Why it is in this state: a word of docs/reasons.md.'),
  message: z.string().max(2048).optional().describe('Sentence for people.'),
  log: z.string().max(4096).optional().describe('Last lines of the build.'),
  lastTransitionTime: z
    .string()
    .meta({ format: 'date-time' })
    .optional()
    .describe('When the state last changed.'),
});
export type ModuleImageStatus = z.infer<typeof ModuleImageStatus>;

export const ModuleImage = z.strictObject({
  apiVersion: z.literal(`${HUB_GROUP}/${VERSION}`),
  kind: z.literal('ModuleImage'),
  metadata: ObjectMeta,
  spec: ModuleImageSpec,
  status: ModuleImageStatus.optional(),
});
export type ModuleImage = z.infer<typeof ModuleImage>;
