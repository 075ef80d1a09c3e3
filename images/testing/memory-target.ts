import { createRandom, systemClock } from '@kmm-fleet/runtime';
import type { PushTarget } from '../builders/builder.contract.ts';
import { createRegistry } from '../registry/registry.ts';
import { createMemoryRegistry } from './memory-registry.ts';

/** Host and port of the registry that builders under test push to. */
export const ADDRESS = 'registry.test:5000';

const accessWith = (password: string) => ({
  dockerConfig: JSON.stringify({ auths: { [ADDRESS]: { username: 'kmm', password } } }),
});

/** The login that it asks for. */
export const ACCESS = accessWith('s3cret');

/** That registry, in memory: for builders that run nothing. */
export function memoryTarget(): PushTarget {
  const transport = createMemoryRegistry({
    login: { username: 'kmm', password: 's3cret', scheme: 'Bearer' },
  });
  return {
    registry: createRegistry({ transport, clock: systemClock, random: createRandom(1) }),
    address: ADDRESS,
    access: ACCESS,
    wrongAccess: accessWith('wr0ng'),
    from: 'FROM scratch',
  };
}
