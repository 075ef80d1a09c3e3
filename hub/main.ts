import { readFileSync } from 'node:fs';
import {
  answerReview,
  checkManagedClusterModule,
  OPERATOR,
  ownDefinitions,
  RESOURCES,
  WEBHOOKS,
} from '@kmm-fleet/api';
import {
  builderOf,
  createRegistry,
  createRegistryTransport,
  imageLimits,
  readFileCommand,
} from '@kmm-fleet/images';
import { isInPod, runOperator } from '@kmm-fleet/runtime';
import { HubConfig } from './config.ts';
import { createHub } from './start-hub.ts';

await runOperator({
  name: 'kmm-hub',
  leaseName: OPERATOR.hubLease,
  definitions: ownDefinitions(RESOURCES.managedClusterModule.plural, RESOURCES.moduleImage.plural),
  settings: HubConfig,
  reviews: {
    name: WEBHOOKS.hub.name,
    webhooks: [WEBHOOKS.hub.webhook],
    answers: { [WEBHOOKS.hub.path]: (review) => answerReview(review, checkManagedClusterModule) },
  },
  create(ports, config) {
    const { clock, random } = ports;
    const ca = config.KMM_REGISTRY_CA_FILE && readFileSync(config.KMM_REGISTRY_CA_FILE, 'utf8');
    const registry = createRegistry({ transport: createRegistryTransport(ca), clock, random });
    return createHub({
      ...ports,
      registry,
      builder: builderOf(config, {
        client: ports.client,
        clock,
        registry,
        namespace: config.OPERATOR_NAMESPACE,
        ca,
        readLog: readFileCommand(config.OPERATOR_NAMESPACE, OPERATOR.hubAccount, isInPod(process.env)),
      }),
      limits: imageLimits(config),
      operatorNamespace: config.OPERATOR_NAMESPACE,
    });
  },
});
