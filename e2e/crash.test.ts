import { expect, it } from 'vitest';
import { expectSameEnd, tellStory } from './story/crash.ts';

// Three writes of each process here; crash.real.test.ts tries every one, which takes minutes.
it('ends the same when hub or spoke is killed at a write and started again', {
  timeout: 60_000,
}, async () => {
  const calm = await tellStory();

  for (const process of ['hub', 'spoke'] as const) {
    const writes = calm.writes[process];
    expect(writes).toBeGreaterThan(30);
    for (let n = 3; n <= writes; n += Math.ceil(writes / 3)) await expectSameEnd(process, n, calm);
  }
});
