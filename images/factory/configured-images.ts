import { readFileSync } from 'node:fs';
import type { ImageSettings } from '@kmm-fleet/api';
import { isInPod, type OperatorPorts } from '@kmm-fleet/runtime';
import { readFileCommand } from '../builders/builder.ts';
import { builderOf } from '../builders/builder-of.ts';
import { createRegistry } from '../registry/registry.ts';
import { createRegistryTransport } from '../registry/transport.ts';
import { imageLimits } from './limits.ts';
import type { ImagesPorts } from './start-images.ts';

/** With what an operator makes images, as its settings say. @param account its own, after which its Deployment is called */
export function configuredImages(
  config: ImageSettings & { readonly OPERATOR_NAMESPACE: string },
  { client, clock, random }: Pick<OperatorPorts, 'client' | 'clock' | 'random'>,
  account: string,
): Pick<ImagesPorts, 'registry' | 'builder' | 'limits' | 'operatorNamespace'> {
  const namespace = config.OPERATOR_NAMESPACE;
  const ca = config.KMM_REGISTRY_CA_FILE && readFileSync(config.KMM_REGISTRY_CA_FILE, 'utf8');
  const registry = createRegistry({ transport: createRegistryTransport(ca), clock, random });
  const readLog = readFileCommand(namespace, account, isInPod(process.env));
  return {
    registry,
    builder: builderOf(config, { client, clock, registry, namespace, ca, readLog }),
    limits: imageLimits(config),
    operatorNamespace: namespace,
  };
}
