import fc from 'fast-check';
import { expect, it } from 'vitest';
import { backoffMs } from './backoff.ts';
import { sleep } from './clock.ts';
import { AppError, type FailureCode } from './errors.ts';
import { silentLog } from './log.ts';
import { createManualClock } from './manual-clock.ts';
import { createQueue, type Reconcile } from './queue.ts';
import { createRandom } from './random.ts';

function world(reconcile: Reconcile, concurrency = 2) {
  const clock = createManualClock();
  const queue = createQueue({
    name: 'q',
    reconcile,
    concurrency,
    clock,
    random: createRandom(1),
    log: silentLog,
  });
  const life = new AbortController();
  const running = queue.run(life.signal);
  return { clock, queue, life, running };
}

it('never runs one key twice at once, never more than it may, and forgets no wish', async () => {
  const event = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(40), fc.nat(60));
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 40 }), async (events) => {
      const active = new Set<string>();
      const wishedAt = new Map<string, number>();
      const startedAt = new Map<string, number>();
      let durationMs = 0;
      const { clock, queue, life, running } = world(async (key) => {
        expect(active.has(key)).toBe(false);
        active.add(key);
        expect(active.size).toBeLessThanOrEqual(2);
        startedAt.set(key, clock.now());
        await sleep(clock, durationMs);
        active.delete(key);
        return undefined;
      });
      for (const [key, pauseMs, takesMs] of events) {
        durationMs = takesMs;
        queue.add(key);
        wishedAt.set(key, clock.now());
        await clock.advance(pauseMs);
      }
      await clock.advance(10_000);
      for (const [key, wished] of wishedAt) expect(startedAt.get(key) ?? -1).toBeGreaterThanOrEqual(wished);
      expect(queue.idle).toBe(true);
      life.abort();
      await clock.settle();
      await running;
    }),
    { numRuns: 40 },
  );
});

it.each([-3_600_000, 3_600_000])('keeps what it waits for when the clock is set by %i ms', async (byMs) => {
  const passes: string[] = [];
  const { clock, queue } = world(async (key) => {
    passes.push(key);
    return undefined;
  });
  queue.addAfter('a', 60_000);
  queue.addAfter('b', 500);
  clock.set(clock.now() + byMs);
  queue.addAfter('a', 500);
  queue.addAfter('b', 60_000);
  await clock.advance(1_000);

  expect(passes.toSorted()).toEqual(['a', 'b']);
});

it('merges wishes that come before a pass starts', async () => {
  const passes: string[] = [];
  const { clock, queue } = world(async (key) => {
    passes.push(key);
    return undefined;
  });
  queue.add('a');
  queue.add('a');
  queue.addAfter('b', 100);
  queue.addAfter('b', 50);
  await clock.advance(1_000);

  expect(passes).toEqual(['a', 'b']);
});

it.each<[FailureCode, number]>([
  ['API_ERROR', 6],
  ['CONFLICT', 7],
  ['API_INVALID', 1],
  ['IMAGE_INVALID', 1],
])('tries again after %s as its code says', async (code, most) => {
  let tries = 0;
  const { clock, queue } = world(async () => {
    tries += 1;
    throw new AppError(code, 'no');
  });
  queue.add('a');
  await clock.advance(6_000);

  expect(tries).toBeGreaterThanOrEqual(Math.min(most, 2) === 1 ? 1 : 3);
  expect(tries).toBeLessThanOrEqual(most);
});

it.each<FailureCode>(['API_INVALID', 'IMAGE_INVALID'])(
  'keeps nothing of a key after %s, so that what fails later is tried again as soon as ever',
  async (last) => {
    const failures = [...Array.from({ length: 20 }, () => last), 'API_ERROR' as const];
    const { clock, queue } = world(async () => {
      const code = failures.shift();
      if (code) throw new AppError(code, 'no');
      return undefined;
    });
    for (const _ of [...failures]) {
      queue.add('a');
      await clock.settle();
    }
    expect(failures).toEqual([]);

    failures.push('API_ERROR');
    await clock.advance(200);

    expect(failures).toEqual([]);
  },
);

it('waits for running passes when it is stopped, and starts no more', async () => {
  const done: string[] = [];
  const { clock, queue, life, running } = world(async (key) => {
    await sleep(clock, 500);
    done.push(key);
    return undefined;
  }, 1);
  queue.add('a');
  queue.add('b');
  await clock.advance(100);
  life.abort();
  await clock.advance(1_000);
  await running;

  expect(done).toEqual(['a']);
});

it('backs off within its limits, later for more failures', () => {
  const limits = { baseMs: 100, maxMs: 5_000 };
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (failures, jitter) => {
        const waitMs = backoffMs(failures, jitter, limits);
        expect(waitMs).toBeGreaterThanOrEqual(50);
        expect(waitMs).toBeLessThanOrEqual(5_000);
        expect(backoffMs(failures + 1, jitter, limits)).toBeGreaterThanOrEqual(waitMs);
      },
    ),
  );
  expect(() => backoffMs(0, 0, limits)).toThrow(RangeError);
});
