import { afterAll, beforeAll, describe, it } from 'vitest';
import { type KernelFleet, startKernelFleet } from './kernel/kernel-fleet.ts';
import { troubles } from './kernel/observe.ts';
import { KERNEL_SCENES } from './kernel/scenes.ts';

describe('on real kernels', () => {
  let fleet: KernelFleet;
  beforeAll(async () => {
    fleet = await startKernelFleet(() => {});
  });
  afterAll(() => fleet?.stop());

  it.each(KERNEL_SCENES)('$title', ({ run }) =>
    run(fleet).catch(async (error: Error) => {
      throw new Error(`${error.message}\n${await troubles(fleet)}`, { cause: error });
    }),
  );
});
