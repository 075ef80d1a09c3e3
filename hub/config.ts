import { OPERATOR } from '@kmm-fleet/api';
import { z } from 'zod';

/** Settings of the hub, read once at its start from the environment. */
export const HubConfig = z.object({
  OPERATOR_NAMESPACE: z
    .string()
    .min(1)
    .default(OPERATOR.hubNamespace)
    .describe('Namespace of Secrets and ConfigMaps.'),
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
