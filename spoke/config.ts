import { OPERATOR } from '@kmm-fleet/api';
import { z } from 'zod';

/** What Go's ParseBool takes. */
const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

/** Settings of the spoke, read once at its start from the environment. */
export const SpokeConfig = z.object({
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
  OPERATOR_NAMESPACE: z.string().min(1).default(OPERATOR.namespace),
  KMM_REGISTRY_CA_FILE: z.string().optional().describe('Extra certificate authorities of registries, PEM.'),
  KMM_BUILD_DIR: z
    .string()
    .default('/var/lib/kmm/builds')
    .describe('Where buildah keeps containers and logs.'),
  HEALTH_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(0)
    .describe('Health and metrics over HTTP; 0 is off.'),
  LOG_LEVEL: z.enum(['debug', 'info', 'error']).default('info'),
  LEADER_ELECTION: z.stringbool().default(true).describe('Work only while holding the lease.'),
});
export type SpokeConfig = z.output<typeof SpokeConfig>;
