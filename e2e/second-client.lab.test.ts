import { createApiServer } from '@kmm-fleet/lab';
import { systemClock as clock, createHttpTransport, createRandom } from '@kmm-fleet/runtime';
import { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe } from 'vitest';
import { describeSecondClient, type TwiceReached } from './second-client.contract.ts';

describe('the lab behind a socket', () => {
  let listening: { readonly url: string; close(): Promise<void> };
  let reached: TwiceReached;

  beforeAll(async () => {
    listening = await createApiServer({ clock, random: createRandom(1), name: 'lab' }).listen();
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: 'lab', server: listening.url, skipTLSVerify: true },
      { name: 'anybody' },
    );
    reached = { transport: createHttpTransport({ server: listening.url }), config };
  });
  afterAll(async () => {
    await reached.transport.close();
    await listening.close();
  });

  describeSecondClient('the lab', () => reached);
});
