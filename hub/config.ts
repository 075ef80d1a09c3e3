import { OPERATOR } from '@kmm-fleet/api';
import { operatorSettings } from '@kmm-fleet/runtime';
import { z } from 'zod';

/** Settings of the hub, read once at its start from the environment. */
export const HubConfig = z.object({
  ...operatorSettings(OPERATOR.hubNamespace),
  KMM_REGISTRY_CA_FILE: z.string().optional().describe('Extra certificate authorities of registries, PEM.'),
  KMM_BUILD_DIR: z
    .string()
    .default('/var/lib/kmm/builds')
    .describe('Where buildah keeps containers and logs.'),
});
