import { createManualClock, createRandom } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { createImageChecks } from './image-checks.ts';

const HOUR_MS = 3_600_000;

function world(everyMs = HOUR_MS) {
  const clock = createManualClock();
  const checks = createImageChecks(everyMs, clock.now, createRandom(3));
  return { clock, ...checks };
}

it('spreads the first look after a start over the whole interval, and the next by a quarter to both sides', () => {
  const { dueIn, done } = world();
  const names = Array.from({ length: 200 }, (_, index) => `image-${index}`);
  const first = names.map(dueIn);
  for (const name of names) done(name);
  const next = names.map(dueIn);

  expect(Math.min(...first)).toBeLessThan(HOUR_MS / 20);
  expect(Math.max(...first)).toBeGreaterThan((HOUR_MS * 19) / 20);
  expect(Math.min(...next)).toBeGreaterThanOrEqual(HOUR_MS * 0.75);
  expect(Math.max(...next)).toBeLessThanOrEqual(HOUR_MS * 1.25);
});

it('looks at once at what somebody cannot pull, and then not for five minutes, however many cannot', async () => {
  const { clock, dueIn, done, doubt } = world(0);
  expect(dueIn('image')).toBe(Number.POSITIVE_INFINITY);

  doubt('image');
  expect(dueIn('image')).toBe(0);
  done('image');
  for (let cluster = 0; cluster < 3_500; cluster++) doubt('image');
  expect(dueIn('image')).toBe(300_000);

  await clock.advance(300_000);
  expect(dueIn('image')).toBe(0);
});
