import type { ModuleImageStatus } from '@kmm-fleet/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ImageOutcome, imageStatus, isNews } from './image-status.ts';

const NOW = Date.UTC(2026, 0, 1);
const at = (status: ModuleImageStatus, outcome: ImageOutcome, jitter = 0.5) =>
  imageStatus(status, outcome, 1, NOW, jitter);
const good: ImageOutcome = { kind: 'ready', digest: 'sha256:new', inputsHash: 'now', reason: 'Built' };
const failed = (overrides: object = {}): ImageOutcome => ({
  kind: 'failed',
  code: 'BUILD_FAILED',
  message: 'It broke.',
  log: 'last line',
  inputsHash: 'now',
  ...overrides,
});
const minutesTo = ({ attempt }: ModuleImageStatus) => (Date.parse(attempt?.nextTime ?? '') - NOW) / 60_000;

describe('the status of an image', () => {
  it('is the same object when nothing changed', () => {
    const first = at({}, good);

    expect(at(first, good)).toBe(first);
  });

  it('keeps the last good digest while a new image is made, fails or is refused', () => {
    const first = at({}, good);

    for (const outcome of [
      { kind: 'progress', state: 'Building', message: 'Building.' },
      failed(),
      { kind: 'refused', state: 'Failed', findings: [] },
    ] satisfies ImageOutcome[]) {
      expect(at(first, outcome)).toMatchObject({ digest: 'sha256:new', inputsHash: 'now' });
    }
  });

  it('says reason, next step and the last lines of the log', () => {
    expect(at({}, failed())).toMatchObject({
      state: 'Failed',
      reason: 'BuildFailed',
      message: 'It broke. Read the build log and mend the Dockerfile in its ConfigMap.',
      log: 'last line',
    });
  });

  it("ends a program's words before its own go on", () => {
    expect(at({}, failed({ message: 'exit status 127' })).message).toMatch(
      /^exit status 127\. Read the build log/,
    );
  });

  it('names the command that shows the whole log, however long the message is', () => {
    const { message } = at({}, failed({ message: 'x'.repeat(5_000), logCommand: 'cat /logs/kmod.log' }));

    expect(message).toMatch(/ All of the log: cat \/logs\/kmod\.log$/);
    expect(message?.length).toBeLessThanOrEqual(1_024);
  });

  it('forgets failures when an image is ready', () => {
    expect(at(at({}, failed()), good)).not.toHaveProperty('attempt');
  });

  it('calls a missing image Missing', () => {
    expect(at({}, failed({ code: 'IMAGE_NOT_FOUND' })).state).toBe('Missing');
  });

  it('waits half a minute, then twice as long each time, up to half an hour', () => {
    const waits: number[] = [];
    let status: ModuleImageStatus = {};
    for (let n = 0; n < 9; n++) {
      status = at(status, failed());
      waits.push(minutesTo(status));
    }

    expect(waits).toEqual([0.5, 1, 2, 4, 8, 16, 22.5, 22.5, 22.5]);
  });

  it('starts anew with other inputs', () => {
    const twice = at(at({}, failed()), failed());

    expect(at(twice, failed({ inputsHash: 'other' })).attempt?.failures).toBe(1);
  });

  it('waits as long as the registry asks, but never longer than half an hour', () => {
    expect(minutesTo(at({}, failed({ retryAfterMs: 300_000 })))).toBe(5);
    expect(minutesTo(at({}, failed({ retryAfterMs: 1e12 })))).toBe(30);
  });

  it('says since when it is made, and for how long once that is over no more', () => {
    const building = at({}, { kind: 'progress', state: 'Building', message: 'Building.' });
    const later = (status: ModuleImageStatus, state: 'Wanted' | 'Building' | 'Built' | 'Signing') =>
      imageStatus(status, { kind: 'progress', state, message: '' }, 1, NOW + 60_900, 0.5);

    expect(building.startTime).toBe('2026-01-01T00:00:00Z');
    expect(later(later(building, 'Built'), 'Signing').startTime).toBe('2026-01-01T00:00:00Z');
    expect(later({}, 'Signing').startTime).toBe('2026-01-01T00:01:00Z');
    expect(later(building, 'Building').startTime, 'a build that is begun anew').toBe('2026-01-01T00:01:00Z');
    for (const ended of [at(building, good), at(building, failed()), later(building, 'Wanted')])
      expect(ended).not.toHaveProperty('startTime');
  });

  it('moves its time only with its state', () => {
    const first = at({}, failed());
    const second = imageStatus(first, failed(), 1, NOW + 60_000, 0.5);

    expect(second.lastTransitionTime).toBe(first.lastTransitionTime);
  });

  it('fits its schema, however long the texts are', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1_000, maxLength: 9_000 }), (text) => {
        expect(at({}, failed({ message: text })).message?.length).toBeLessThanOrEqual(2_048);
      }),
      { numRuns: 20 },
    );
  });
});

it('is no news when only the generation was looked at', () => {
  const first = at({}, good);
  const second = imageStatus(first, good, 2, NOW, 0.5);

  expect(second).toMatchObject({ observedGeneration: 2 });
  expect(isNews(first, second)).toBe(false);
  expect(isNews(first, at(second, failed()))).toBe(true);
});
