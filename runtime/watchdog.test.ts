import { expect, it } from 'vitest';
import { createManualClock } from './manual-clock.ts';
import { createWatchdog } from './watchdog.ts';

function world() {
  const clock = createManualClock();
  return { clock, watchdog: createWatchdog(clock, 1_000) };
}

it('barks when it was started and not let rest', async () => {
  const { clock, watchdog } = world();
  await clock.advance(5_000);
  expect(watchdog.barks).toBe(false);

  watchdog.start();
  await clock.advance(999);
  watchdog.start();
  expect(watchdog.barks).toBe(false);
  await clock.advance(1);

  expect(watchdog.barks).toBe(true);
});

it('rests, and may be started again', async () => {
  const { clock, watchdog } = world();
  watchdog.start();
  await clock.advance(1_000);
  watchdog.rest();
  expect([watchdog.barks, clock.pending()]).toEqual([false, 0]);

  watchdog.start();
  await clock.advance(1_000);

  expect(watchdog.barks).toBe(true);
});
