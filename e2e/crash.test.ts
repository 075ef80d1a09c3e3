import { expect, it } from 'vitest';
import { expectSameEnd, tellWithCrash } from './story/crash.ts';

// Every tenth write here; crash.real.test.ts tries each one, which takes minutes.
it.each(['hub', 'spoke'] as const)(
  'ends the same when the %s is killed at a write and started again',
  { timeout: 60_000 },
  async (process) => {
    const calm = await tellWithCrash(process, 0);

    expect(calm.writes).toBeGreaterThan(30);
    for (let n = 3; n <= calm.writes; n += Math.ceil(calm.writes / 5)) await expectSameEnd(process, n, calm);
  },
);
