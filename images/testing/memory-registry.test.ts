import { createManualClock, createRandom } from '@kmm-fleet/runtime';
import { describeRegistry } from '../registry/registry.contract.ts';
import { createRegistry } from '../registry/registry.ts';
import { createMemoryRegistry } from './memory-registry.ts';

const ADDRESS = 'registry.test:5000';
const access = (username: string, password: string) => ({
  dockerConfig: JSON.stringify({ auths: { [ADDRESS]: { username, password } } }),
});

for (const scheme of ['Basic', 'Bearer'] as const) {
  describeRegistry(`the registry in memory with a ${scheme} login`, async () => {
    const transport = createMemoryRegistry({ login: { username: 'kmm', password: 's3cret', scheme } });
    return {
      registry: createRegistry({ transport, clock: createManualClock(), random: createRandom(1) }),
      address: ADDRESS,
      access: access('kmm', 's3cret'),
      wrongAccess: access('kmm', 'wr0ng'),
      close: async () => {},
    };
  });
}
