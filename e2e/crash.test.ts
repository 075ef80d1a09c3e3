import { expect, it } from 'vitest';
import { expectSameEnd, tellStory } from './story/crash.ts';

// One write of each process here; crash.real.test.ts tries every one, which takes minutes.
it('ends the same when hub or spoke is killed at a write and started again', {
  timeout: 60_000,
}, async () => {
  const calm = await tellStory();

  for (const process of ['hub', 'spoke'] as const) {
    const writes = calm.writes[process];
    expect(writes).toBeGreaterThan(30);
    await expectSameEnd(process, Math.ceil(writes / 2), calm);
  }
});
