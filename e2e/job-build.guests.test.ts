import { afterAll, beforeAll, it } from 'vitest';
import { BUILDS_IN_JOBS, tellJobBuild } from './kernel/job-scenes.ts';
import { type KernelFleet, startKernelFleet } from './kernel/kernel-fleet.ts';
import { withTroubles } from './kernel/observe.ts';

let fleet: KernelFleet;
beforeAll(async () => {
  fleet = await startKernelFleet(() => {}, BUILDS_IN_JOBS);
  await fleet.operate('installed');
  // One machine has all that is told here; the other would only be slow beside it.
  await fleet.plain.stop();
});
afterAll(() => fleet?.stop());

it('The pod of a Job builds a module on a node, for an operator without privilege, and the kernel there takes it', () =>
  withTroubles(fleet, tellJobBuild(fleet)));
