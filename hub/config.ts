import { checkBuilder, IMAGE_SETTINGS, OPERATOR } from '@kmm-fleet/api';
import { operatorSettings } from '@kmm-fleet/runtime';
import * as z from 'zod';

/** Settings of the hub, read once at its start from the environment. */
export const HubConfig = z
  .object({
    ...operatorSettings(OPERATOR.hubNamespace),
    ...IMAGE_SETTINGS,
  })
  .superRefine(checkBuilder);
