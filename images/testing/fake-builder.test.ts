import { createManualClock, createRandom } from '@kmm-fleet/runtime';
import { describeBuilder } from '../builders/builder.contract.ts';
import { createRegistry } from '../registry/registry.ts';
import { createFakeBuilder } from './fake-builder.ts';
import { createMemoryRegistry } from './memory-registry.ts';

const ADDRESS = 'registry.test:5000';
const access = (username: string, password: string) => ({
  dockerConfig: JSON.stringify({ auths: { [ADDRESS]: { username, password } } }),
});

describeBuilder('the fake builder', async () => {
  const transport = createMemoryRegistry({
    login: { username: 'kmm', password: 's3cret', scheme: 'Bearer' },
  });
  const registry = createRegistry({ transport, clock: createManualClock(), random: createRandom(1) });
  return {
    builder: createFakeBuilder(registry),
    registry,
    address: ADDRESS,
    access: access('kmm', 's3cret'),
    wrongAccess: access('kmm', 'wr0ng'),
    from: 'FROM scratch',
    whenSleeping: async () => {},
    close: async () => {},
  };
});
