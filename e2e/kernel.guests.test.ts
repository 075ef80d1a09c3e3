import { afterAll, beforeAll, describe, it } from 'vitest';
import { type KernelFleet, startKernelFleet } from './kernel/kernel-fleet.ts';
import { KERNEL_SCENES } from './kernel/scenes.ts';

describe('on real kernels', () => {
  let fleet: KernelFleet;
  beforeAll(async () => {
    fleet = await startKernelFleet(() => {});
  });
  afterAll(() => fleet?.stop());

  it.each(KERNEL_SCENES)('$title', ({ run }) => run(fleet));
});
