import { expect, it } from 'vitest';
import { expectSameEnd, tellStory } from './story/crash.ts';

// In simulation, but beside the real suites because it takes minutes: each write of the story is one crash.
it.each(['hub', 'spoke'] as const)(
  'ends the same when the %s is killed at any write of the story',
  async (process) => {
    const calm = await tellStory();

    expect(calm.writes[process]).toBeGreaterThan(30);
    for (let n = 1; n <= calm.writes[process]; n++) await expectSameEnd(process, n, calm);
  },
);
