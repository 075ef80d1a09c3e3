import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CALM_MS, createPace } from './pace.ts';

const START_MS = 1_000_000;

/** When something is told of events at these times, in milliseconds since the start. */
function toldAt(eventsMs: readonly number[]): number[] {
  let nowMs = START_MS;
  const pace = createPace({ elapsed: () => nowMs });
  const waiting = [...eventsMs].sort((a, b) => a - b);
  const told: number[] = [];
  for (let dueMs = Infinity; waiting.length > 0 || dueMs < Infinity; ) {
    const nextMs = START_MS + (waiting[0] ?? Infinity);
    nowMs = Math.min(nextMs, dueMs);
    if (nowMs === nextMs) {
      waiting.shift();
      pace.heard('kmod');
    }
    if (pace.waitMs('kmod') > 0) dueMs = nowMs + pace.waitMs('kmod');
    else {
      pace.summed('kmod');
      pace.told('kmod');
      told.push(nowMs - START_MS);
      dueMs = Infinity;
    }
  }
  return told;
}
const every = (ms: number, untilMs: number) => Array.from({ length: untilMs / ms }, (_, index) => index * ms);

it.each<[string, readonly number[], readonly number[]]>([
  ['one event is told soon', [0], [150]],
  ['a burst is told once, soon after its end', every(1, 1_000), [1_149]],
  ['a stream is told now and then', every(100, 4_000), [1_500, 3_100, 4_050]],
  ['the end of a longer burst is told soon too', every(100, 1_800), [1_500, 1_850]],
  ['what comes after three that were told soon waits', [0, 400, 800, 1_200], [150, 550, 950, 3_150]],
  ['what comes later does not', [0, 400, 5_000], [150, 550, 5_150]],
])('%s', (_rule, events, told) => {
  expect(toldAt(events)).toEqual(told);
});

it('is told of all that was heard, within three seconds, and at most three times in them', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20_000), { minLength: 1 }), (events) => {
      const told = toldAt(events);

      for (const event of events) expect(told.some((ms) => ms > event && ms <= event + 3_000)).toBe(true);
      for (const [index, ms] of told.slice(3).entries())
        expect(ms - (told[index] ?? 0)).toBeGreaterThanOrEqual(3_000);
    }),
  );
});

it('what was told and has to be told again does not wait', () => {
  const pace = createPace({ elapsed: () => START_MS });
  pace.heard('kmod');
  pace.summed('kmod');
  pace.told('kmod');

  expect(pace.waitMs('kmod')).toBe(0);
});

it('sums that said nothing new do not make the next wait', () => {
  let nowMs = START_MS;
  const pace = createPace({ elapsed: () => nowMs });
  for (let sum = 0; sum < 3; sum += 1) {
    pace.heard('kmod');
    pace.summed('kmod');
    nowMs += 200;
  }
  pace.heard('kmod');

  expect(pace.waitMs('kmod')).toBe(CALM_MS);
});
