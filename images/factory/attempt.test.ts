import { FAILURES, type FailureCode } from '@kmm-fleet/runtime';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Attempt, failedAgain, isDefective, isSpent, tryNumber, waitOf } from './attempt.ts';

const NOW = Date.UTC(2026, 0, 1);
const WORLD: readonly FailureCode[] = ['REGISTRY_UNREACHABLE', 'REGISTRY_UNAUTHORIZED', 'IMAGE_NOT_FOUND'];
const after = (codes: readonly FailureCode[], inputsHash = 'now', start?: Attempt) =>
  codes.reduce<Attempt | undefined>(
    (attempt, code) => failedAgain(attempt, { code, inputsHash }, NOW, 0.5),
    start,
  );

it.each(['BUILD_FAILED', 'BUILD_TIMED_OUT', 'BUILD_TOO_LARGE', 'SIGN_FAILED', 'IMAGE_INVALID'] as const)(
  'gives up after five failures with %s, and not on other inputs',
  (code) => {
    const four = after([code, code, code, code]);
    const five = after([code], 'now', four);

    expect([isSpent(four, 'now'), isSpent(five, 'now'), isSpent(five, 'other')]).toEqual([
      false,
      true,
      false,
    ]);
    expect(isSpent(after([code], 'other', five), 'other')).toBe(false);
  },
);

it('never gives up because of the world, however long it lasts', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...WORLD), { maxLength: 50 }), (codes) => {
      expect(isSpent(after(codes), 'now')).toBe(false);
      expect(isDefective(after(codes), 'now')).toBe(false);
    }),
  );
});

it('counts tries on these inputs alone', () => {
  const three = after(['BUILD_FAILED', 'REGISTRY_UNREACHABLE', 'BUILD_FAILED']);

  expect([tryNumber(undefined, 'now'), tryNumber(three, 'now'), tryNumber(three, 'other')]).toEqual([
    1, 4, 1,
  ]);
});

it('tells the next time in whole seconds, and never before what was asked for', () => {
  const asked = { code: 'REGISTRY_THROTTLED', inputsHash: 'now', retryAfterMs: 90_000 } as const;
  const { nextTime = '' } = failedAgain(undefined, asked, NOW + 1, 0.5);

  expect(nextTime).toBe('2026-01-01T00:01:31Z');
});

it('waits between a quarter of a minute and half an hour, and for these inputs alone', () => {
  const code = fc.constantFrom(...(Object.keys(FAILURES) as FailureCode[]));
  fc.assert(
    fc.property(fc.array(code, { minLength: 1, maxLength: 50 }), (codes) => {
      const attempt = after(codes);

      expect(waitOf(attempt, 'now', NOW)).toBeGreaterThanOrEqual(15_000);
      expect(waitOf(attempt, 'now', NOW)).toBeLessThanOrEqual(1_800_000);
      expect(waitOf(attempt, 'other', NOW)).toBe(0);
      expect(waitOf(attempt, 'now', NOW + 1_800_000)).toBe(0);
      // Told by a clock that was a day ahead, and has been set since.
      expect(waitOf(attempt, 'now', NOW - 86_400_000)).toBe(1_800_000);
    }),
  );
});
