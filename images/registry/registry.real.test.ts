import { describe } from 'vitest';
import { skipReason, startRealRegistry } from '../testing/real-registry.ts';
import { describeRegistry } from './registry.contract.ts';

const reason = skipReason();

describe.skipIf(reason !== '')(`a real registry with TLS${reason && ` (${reason})`}`, () => {
  describeRegistry('docker-registry with a login', startRealRegistry);
});
