import { OPERATOR } from '@kmm-fleet/api';
import { configuredImages } from '@kmm-fleet/images';
import type { OperatorPorts } from '@kmm-fleet/runtime';
import type { SpokeConfig } from '../config.ts';
import type { SpokeImages } from '../start-spoke.ts';
import { createStandaloneImages } from './standalone-images.ts';

/** The image room for a cluster without a hub; main loads this file only then. */
export const loadImages = (ports: OperatorPorts, config: SpokeConfig): SpokeImages =>
  createStandaloneImages({ ...ports, ...configuredImages(config, ports, OPERATOR.account) });
