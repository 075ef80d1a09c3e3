import { checkBuilder, IMAGE_SETTINGS, OPERATOR } from '@kmm-fleet/api';
import { operatorSettings } from '@kmm-fleet/runtime';
import * as z from 'zod';

/** What Go's ParseBool takes. */
const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

/** Settings of the spoke, read once at its start from the environment. */
export const SpokeConfig = z
  .object({
    ...operatorSettings(OPERATOR.namespace),
    ...IMAGE_SETTINGS,
    KMM_GUARD_NAMESPACES: z
      .stringbool()
      .default(false)
      .describe('Label namespaces with Modules, which the policy of --guard-namespaces protects.'),
    KMM_MANAGED: z
      .string()
      .default('')
      .transform((text) => ({
        isManaged: TRUE.has(text),
        isClear: text === '' || TRUE.has(text) || FALSE.has(text),
      }))
      .describe(
        'A hub makes the images; the kernels are published. As in KMM, what is no boolean counts as false.',
      ),
  })
  .superRefine(checkBuilder);
export type SpokeConfig = z.output<typeof SpokeConfig>;
