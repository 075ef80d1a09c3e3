import { createManualClock } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { withDiskLimit } from './disk-limit.ts';

const GIB = 1024 ** 3;

function world() {
  const clock = createManualClock();
  const disk = { used: 5 * GIB };
  const limit = { folder: '/', bytesMax: 10 * GIB, clock, usedBytes: async () => disk.used };
  return { clock, disk, limit };
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });

it('ends a build while which the disk grows by more than the limit', async () => {
  const { clock, disk, limit } = world();
  const building = withDiskLimit(limit, undefined, untilAborted).catch((error: unknown) => error);
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

  expect(await withDiskLimit(counted, undefined, async () => 'done')).toBe('done');
  const before = looks;
  await clock.advance(60_000);
  expect(looks).toBe(before);
});

it('hands on the reason of whoever ends the build', async () => {
  const { limit } = world();
  const stop = new AbortController();
  const building = withDiskLimit(limit, stop.signal, untilAborted).catch((error: unknown) => error);
  const reason = new Error('the hub ends');
  stop.abort(reason);

  expect(await building).toBe(reason);
});
