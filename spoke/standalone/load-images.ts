import { readFileSync } from 'node:fs';
import { OPERATOR } from '@kmm-fleet/api';
import {
  builderOf,
  createRegistry,
  createRegistryTransport,
  type ImagesPorts,
  imageLimits,
  readFileCommand,
} from '@kmm-fleet/images';
import { isInPod } from '@kmm-fleet/runtime';
import type { SpokeConfig } from '../config.ts';
import type { SpokeImages } from '../start-spoke.ts';
import { createStandaloneImages } from './standalone-images.ts';

/** The image room for a cluster without a hub; main loads this file only then. */
export function loadImages(
  ports: Omit<ImagesPorts, 'registry' | 'builder' | 'operatorNamespace' | 'systems'>,
  config: SpokeConfig,
): SpokeImages {
  const ca = config.KMM_REGISTRY_CA_FILE && readFileSync(config.KMM_REGISTRY_CA_FILE, 'utf8');
  const { clock, random } = ports;
  const registry = createRegistry({ transport: createRegistryTransport(ca), clock, random });
  return createStandaloneImages({
    ...ports,
    registry,
    builder: builderOf(config, {
      client: ports.client,
      clock,
      registry,
      namespace: config.OPERATOR_NAMESPACE,
      ca,
      readLog: readFileCommand(config.OPERATOR_NAMESPACE, OPERATOR.account, isInPod(process.env)),
    }),
    limits: imageLimits(config),
    operatorNamespace: config.OPERATOR_NAMESPACE,
  });
}
