import { describeBuilder } from '../builders/builder.contract.ts';
import { createFakeBuilder } from './fake-builder.ts';
import { memoryTarget } from './memory-target.ts';

describeBuilder('the fake builder', async () => {
  const target = memoryTarget();
  return {
    ...target,
    builder: createFakeBuilder(target.registry),
    whenSleeping: async () => {},
    close: async () => {},
  };
});
