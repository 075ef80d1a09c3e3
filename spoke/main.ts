import { answerReview, checkModule, OPERATOR, ownDefinitions, RESOURCES, WEBHOOKS } from '@kmm-fleet/api';
import { runOperator } from '@kmm-fleet/runtime';
import * as z from 'zod';
import { SpokeConfig } from './config.ts';
import { createSpoke } from './start-spoke.ts';

// Parsers that zod writes as functions are faster only as machine code, which its image does without.
z.config({ jitless: true });

await runOperator({
  name: 'kmm',
  leaseName: OPERATOR.lease,
  definitions: ownDefinitions(RESOURCES.module.plural),
  settings: SpokeConfig,
  reviews: {
    name: WEBHOOKS.cluster.name,
    webhooks: [WEBHOOKS.cluster.webhook],
    answers: { [WEBHOOKS.cluster.path]: (review) => answerReview(review, checkModule) },
  },
  async create(ports, config) {
    const { isManaged, isClear } = config.KMM_MANAGED;
    if (!isClear)
      ports.log.error('config.unclear', { message: 'KMM_MANAGED is no boolean; it counts as false.' });
    const images = isManaged
      ? undefined
      : (await import('./standalone/load-images.ts')).loadImages(ports, config);
    return createSpoke({
      ...ports,
      isManaged,
      images,
      guardsNamespaces: config.KMM_GUARD_NAMESPACES,
      operatorNamespace: config.OPERATOR_NAMESPACE,
    });
  },
});
