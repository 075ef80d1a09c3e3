import { describe, expect, it } from 'vitest';
import { planFleet, signOne } from './benchmarks.ts';
import { spokeMemory } from './spoke-memory.ts';

// Times and memory, beside something measured in the same run. They want a machine to themselves: not in the unit part.
describe('what make bench measures stays within its limit', () => {
  it.each([
    ['planning a fleet', () => planFleet(3_500, 3)],
    ['signing a module', () => signOne(300 * 1024)],
    ['memory of an idle spoke', spokeMemory],
  ])('%s', async (_name, measure) => {
    const { ratio, ratioMax } = await measure();

    expect(ratio).toBeGreaterThan(0); // nothing measured is no figure
    expect(ratio).toBeLessThanOrEqual(ratioMax);
  });
});
