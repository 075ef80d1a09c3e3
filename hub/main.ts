import {
  answerReview,
  checkManagedClusterModule,
  OPERATOR,
  ownDefinitions,
  RESOURCES,
  WEBHOOKS,
} from '@kmm-fleet/api';
import { configuredImages } from '@kmm-fleet/images';
import { runOperator } from '@kmm-fleet/runtime';
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
  create: (ports, config) => createHub({ ...ports, ...configuredImages(config, ports, OPERATOR.hubAccount) }),
});
