import { expect, it } from 'vitest';
import { startAll } from './start-all.ts';

const PARTS = 4;

/** Starts so many parts one after the other, of which one may fail to start and one to end. */
function world({ failsToStart = PARTS, failsToEnd = PARTS } = {}) {
  const running: number[] = [];
  const ended: number[] = [];
  const started = startAll(async (defer) => {
    for (let part = 0; part < PARTS; part += 1) {
      await Promise.resolve();
      if (part === failsToStart) throw new Error(`${part} does not start`);
      running.push(part);
      defer(async () => {
        await Promise.resolve();
        if (part === failsToEnd) throw new Error(`${part} does not end`);
        running.splice(running.indexOf(part), 1);
        ended.push(part);
      });
    }
    return { parts: PARTS };
  });
  return { started, running, ended };
}

it.each(Array.from({ length: PARTS }, (_, part) => part))(
  'ends what had begun, the last first, when part %i does not start',
  async (failsToStart) => {
    const { started, running, ended } = world({ failsToStart });

    await expect(started).rejects.toThrow(`${failsToStart} does not start`);

    expect(running).toEqual([]);
    expect(ended).toEqual(Array.from({ length: failsToStart }, (_, part) => part).reverse());
  },
);

it('tells why it did not start, and ends the rest, when one does not end either', async () => {
  const { started, running, ended } = world({ failsToStart: 3, failsToEnd: 1 });

  await expect(started).rejects.toThrow('3 does not start');

  expect(running).toEqual([1]);
  expect(ended).toEqual([2, 0]);
});

it('ends all when it is stopped, once, and tells what did not end', async () => {
  const { started, running, ended } = world({ failsToEnd: 2 });
  const { parts, stop } = await started;
  expect(parts).toBe(PARTS);
  expect(running).toEqual([0, 1, 2, 3]);

  await expect(stop()).rejects.toThrow('2 does not end');
  await stop();

  expect(ended).toEqual([3, 1, 0]);
});

it('is stopped only when all has ended, for everybody who stops it meanwhile', async () => {
  const { started, running } = world({ failsToEnd: 2 });
  const { stop } = await started;

  const first = stop();
  const left = [stop(), stop()].map((second) =>
    second.then(
      () => [...running],
      () => [...running],
    ),
  );

  await expect(first).rejects.toThrow('2 does not end');
  expect(await Promise.all(left)).toEqual([[2], [2]]);
});
