import * as z from 'zod';

/** Schemas carry their CRD keywords (`x-kubernetes-*`) as metadata; api/generating turns them into CRDs. */

/** Key of `.meta()` under which CEL rules stand. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
}

export const withRules = <S extends z.ZodType>(schema: S, ...rules: readonly CelRule[]): S =>
  schema.meta({ ...schema.meta(), 'x-kubernetes-validations': rules });

/** An object of a Kubernetes core type, taken as it comes: the API server of the cluster that uses it judges it. */
export const coreObject = () =>
  z.record(z.string(), z.unknown()).meta({ 'x-kubernetes-preserve-unknown-fields': true, type: 'object' });

/** Metadata of any object; only what we read is named. */
export const ObjectMeta = z.looseObject({
  name: z.string().min(1),
  namespace: z.string().optional(),
  uid: z.string().optional(),
  resourceVersion: z.string().optional(),
  generation: z.number().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  finalizers: z.array(z.string()).optional(),
  creationTimestamp: z.string().nullish(),
  deletionTimestamp: z.string().nullish(),
});
export type ObjectMeta = z.infer<typeof ObjectMeta>;

export const LocalObjectReference = z
  .strictObject({
    name: z.string().max(253).optional().describe('Name of the object, in the same namespace.'),
  })
  .describe('Names an object in the same namespace.');

export const LabelMap = z.record(z.string(), z.string().max(63));

export const ObservedGeneration = z
  .int()
  .meta({ format: 'int64' })
  .optional()
  .describe('Generation of the object that the status tells of.');

const Int = () => z.int().meta({ format: 'int32' });
export const Count = () => Int().min(0);

export const Condition = z
  .strictObject({
    type: z.string().max(316).describe('CamelCase name of the condition.'),
    status: z.enum(['True', 'False', 'Unknown']).describe('Whether it is so.'),
    reason: z.string().max(1024).describe('CamelCase word for programs.'),
    message: z.string().max(32768).describe('Sentence for people, with the next step.'),
    lastTransitionTime: z.string().meta({ format: 'date-time' }).describe('When status last changed.'),
    observedGeneration: z
      .int()
      .meta({ format: 'int64' })
      .min(0)
      .optional()
      .describe('Generation that it was judged from.'),
  })
  .describe('One aspect of the state, after the Kubernetes API conventions.');
export type Condition = z.infer<typeof Condition>;

export const Conditions = z
  .array(Condition)
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] });
