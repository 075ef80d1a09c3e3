import { afterAll, beforeAll, expect, it } from 'vitest';
import { BUILDS_IN_JOBS, tellJobBuild } from './kernel/job-scenes.ts';
import { type KernelFleet, startKernelFleet } from './kernel/kernel-fleet.ts';
import { troubles } from './kernel/observe.ts';

let fleet: KernelFleet;
beforeAll(async () => {
  fleet = await startKernelFleet(() => {}, BUILDS_IN_JOBS);
  // One machine has all that is told here; the other would only be slow beside it.
  await fleet.plain.stop();
});
afterAll(() => fleet?.stop());

it('The pod of a Job builds a module on a node, for an operator without privilege, and the kernel there takes it', async () => {
  const error = await tellJobBuild(fleet).catch(
    async (error: Error) => `${error.message}\n${await troubles(fleet)}`,
  );
  expect(error).toBeUndefined();
});
