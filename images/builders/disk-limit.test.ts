import { createManualClock } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { withTimeLimit } from '../factory/time-limit.ts';
import { createDiskGuard } from './disk-limit.ts';

const GIB = 1024 ** 3;
const HOUR_MS = 3_600_000;

function world() {
  const clock = createManualClock();
  const disk = { used: 5 * GIB };
  const limit = { folder: '/', bytesMax: 10 * GIB, clock, usedBytes: async () => disk.used };
  const guard = createDiskGuard(limit, async () => undefined);
  return { clock, disk, limit, guard };
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });

it('ends a build while which the disk grows by more than the limit', async () => {
  const { clock, disk, guard } = world();
  const building = guard(undefined, untilAborted).catch((error: unknown) => error);
  await clock.advance(2_000);
  disk.used = 15 * GIB;
  await clock.advance(5_000);
  disk.used = 15 * GIB + 1;
  await clock.advance(2_000);

  expect(await building).toMatchObject({
    code: 'BUILD_TOO_LARGE',
    message: expect.stringContaining('10 GiB'),
  });
});

it('lets a build end as it does, and looks no more', async () => {
  const { clock, disk, limit } = world();
  let looks = 0;
  const counted = { ...limit, usedBytes: async () => (looks++, disk.used) };

  expect(await createDiskGuard(counted, async () => undefined)(undefined, async () => 'done')).toBe('done');
  const before = looks;
  await clock.advance(60_000);
  expect(looks).toBe(before);
});

it('hands on the reason of whoever ends the build', async () => {
  const { guard } = world();
  const stop = new AbortController();
  const building = guard(stop.signal, untilAborted).catch((error: unknown) => error);
  const reason = new Error('the hub ends');
  stop.abort(reason);

  expect(await building).toBe(reason);
});

it('blames none of two builds for what the other writes, and finds the one that is too large', async () => {
  const { clock, disk, limit } = world();
  const began: string[] = [];
  const guard = createDiskGuard(limit, async () => {
    began.push('clear');
    disk.used = 5 * GIB;
  });
  const large = guard(undefined, (signal) => {
    began.push('large');
    disk.used += 11 * GIB;
    return untilAborted(signal);
  }).catch((error: unknown) => error);
  const small = guard(undefined, (signal) => {
    began.push('small');
    return Promise.race([
      untilAborted(signal),
      new Promise((resolve) => clock.after(4_000, () => resolve('built'))),
    ]);
  });
  for (let second = 0; second < 30; second += 1) await clock.advance(1_000);

  expect(await large).toMatchObject({ code: 'BUILD_TOO_LARGE' });
  expect(await small).toBe('built');
  expect([...began].sort()).toEqual(['clear', 'clear', 'large', 'large', 'small', 'small']);
  expect(began.slice(-4).filter((name) => name === 'clear')).toHaveLength(2);
});

it('lets a build that comes later wait for those that run alone', async () => {
  const { clock, disk, guard } = world();
  const finish = new AbortController();
  let tries = 0;
  const twice = (signal: AbortSignal) =>
    untilAborted(tries++ < 2 ? signal : finish.signal).catch((error: unknown) => {
      if (signal.aborted) throw error;
      return 'built';
    });
  const both = [guard(undefined, twice), guard(undefined, twice)];
  await clock.advance(1_000);
  disk.used = 16 * GIB;
  await clock.advance(2_000);
  expect(tries, 'one alone').toBe(3);
  let isLateRunning = false;
  const late = guard(undefined, async () => (isLateRunning = true));
  await clock.advance(5_000);
  expect(isLateRunning).toBe(false);

  finish.abort();
  expect(await Promise.all(both)).toEqual(['built', 'built']);
  expect(await late).toBe(true);
});

it('does not count the time in which a build waits for others', async () => {
  const { clock, disk, guard } = world();
  const hours = (count: number) =>
    new Promise<string>((resolve) => clock.after(count * HOUR_MS, () => resolve('built')));
  let tries = 0;
  const build = () =>
    withTimeLimit(clock.after, 2 * HOUR_MS, new AbortController().signal, (signal, timer) =>
      guard(signal, (limited) => Promise.race([untilAborted(limited), hours(tries++ < 2 ? 9 : 1.5)]), timer),
    ).catch((error: unknown) => error);
  const both = [build(), build()];
  await clock.advance(HOUR_MS);
  disk.used = 16 * GIB;
  await clock.advance(2_000);
  disk.used = 5 * GIB;
  const late = build();
  for (let hour = 0; hour < 5; hour += 0.25) await clock.advance(HOUR_MS / 4);

  expect(await Promise.all([...both, late])).toEqual(['built', 'built', 'built']);
  expect(tries).toBe(5);
});

it('ends a build that takes too long by itself, after it has waited', async () => {
  const { clock, disk, guard } = world();
  const build = () =>
    withTimeLimit(clock.after, 2 * HOUR_MS, new AbortController().signal, (signal, timer) =>
      guard(signal, untilAborted, timer),
    ).catch((error: unknown) => error);
  const both = [build(), build()];
  await clock.advance(1_000);
  disk.used = 16 * GIB;
  await clock.advance(2_000);
  disk.used = 5 * GIB;
  for (let hour = 0; hour < 5; hour += 0.25) await clock.advance(HOUR_MS / 4);

  for (const outcome of await Promise.all(both)) expect(outcome).toMatchObject({ code: 'BUILD_TIMED_OUT' });
});
