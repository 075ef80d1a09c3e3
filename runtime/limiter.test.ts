import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { sleep } from './clock.ts';
import { createLimiter } from './limiter.ts';
import { createManualClock } from './manual-clock.ts';

it('runs all tasks, never more at once than it may, and starts them in the order of their coming', async () => {
  const task = fc.record({ comesMs: fc.nat(50), takesMs: fc.nat(50), fails: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(task, { maxLength: 20 }),
      async (max, tasks) => {
        const clock = createManualClock();
        const limiter = createLimiter(max);
        const came: number[] = [];
        const started: number[] = [];
        let running = 0;
        const runs = tasks.map(async ({ comesMs, takesMs, fails }, id) => {
          await sleep(clock, comesMs);
          came.push(id);
          return limiter.run(async () => {
            started.push(id);
            running += 1;
            expect(running).toBeLessThanOrEqual(max);
            await sleep(clock, takesMs);
            running -= 1;
            if (fails) throw new Error(`no ${id}`);
            return id;
          });
        });
        const outcomes = Promise.allSettled(runs);
        await clock.advance(2_000);

        expect(started).toEqual(came);
        expect(
          (await outcomes).map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason))),
        ).toEqual(tasks.map(({ fails }, id) => (fails ? `Error: no ${id}` : id)));
      },
    ),
    { numRuns: 40 },
  );
});

it('keeps nobody waiting while there is room', async () => {
  const clock = createManualClock();
  const limiter = createLimiter(2);
  let running = 0;
  const task = async () => {
    running += 1;
    await sleep(clock, 10);
    running -= 1;
  };
  for (let round = 0; round < 3; round++) {
    const both = [limiter.run(task), limiter.run(task)];
    await clock.settle();
    expect(running).toBe(2);
    await clock.advance(10);
    await Promise.all(both);
  }
});

it('lets who is no longer wanted leave at once, and who waits behind it go on', async () => {
  const clock = createManualClock();
  const limiter = createLimiter(1);
  const started: string[] = [];
  const task = (name: string) => async () => {
    started.push(name);
    await sleep(clock, 1_000);
  };
  const first = limiter.run(task('first'));
  const over = new AbortController();
  const left = [
    limiter.run(task('left'), over.signal),
    limiter.run(task('left'), AbortSignal.abort(new Error('over'))),
  ];
  const last = limiter.run(task('last'), new AbortController().signal);
  over.abort(new Error('over'));

  for (const each of left) await expect(each).rejects.toThrow('over');
  expect(started).toEqual(['first']);

  await clock.advance(2_000);
  await Promise.all([first, last]);
  expect(started).toEqual(['first', 'last']);
});

it('keeps no listener of a signal that lives longer than its tasks', async () => {
  const clock = createManualClock();
  const limiter = createLimiter(1);
  const life = new AbortController();
  const added = vi.spyOn(life.signal, 'addEventListener');
  const removed = vi.spyOn(life.signal, 'removeEventListener');
  const runs = [1, 2, 3].map(() => limiter.run(() => sleep(clock, 10), life.signal));
  await clock.advance(100);
  await Promise.all(runs);

  expect(added).toHaveBeenCalledTimes(2);
  expect(removed).toHaveBeenCalledTimes(2);
});
