import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ImageFacts, planImage } from './plan-image.ts';

const NOW = Date.UTC(2026, 0, 1);
const later = (ms: number) => new Date(NOW + ms).toISOString();
const facts = (overrides: Partial<ImageFacts>): ImageFacts => ({
  isMade: true,
  needsSignature: true,
  signingIsRefused: false,
  inputsHash: 'now',
  tryHash: 'try',
  basesAreFresh: false,
  status: {},
  nowMs: NOW,
  checkIsDue: false,
  vanished: 'Rebuild',
  ...overrides,
});
const ready = { state: 'Ready', digest: 'sha256:old', inputsHash: 'now' } as const;
const stale = { ...ready, inputsHash: 'before' } as const;
const vanished = { ...ready, state: 'Missing', reason: 'ImageVanished' } as const;
const pulled = { isMade: false, needsSignature: false };

describe('the next step of an image', () => {
  it.each<[string, Partial<ImageFacts>, object]>([
    ['looks up its bases first', { inputsHash: undefined }, { step: 'resolve-bases' }],
    ['keeps what was made from these inputs', { status: ready }, { step: 'keep' }],
    [
      'keeps it when the certificate has expired',
      { status: ready, signingIsRefused: true },
      { step: 'keep' },
    ],
    ['asks the registry when inputs changed', { status: stale }, { step: 'ask' }],
    ['asks again what was ready and then failed', { status: { ...ready, state: 'Failed' } }, { step: 'ask' }],
    ['builds what is not there', { remote: {} }, { step: 'build' }],
    [
      'takes an image of these inputs that lost its object',
      { remote: { digest: 'd', label: 'now' } },
      { step: 'ready', digest: 'd', reason: 'ImageCurrent' },
    ],
    ['builds over an image of other inputs', { remote: { digest: 'd', label: 'other' } }, { step: 'build' }],
    [
      'takes an image that somebody else pushed',
      { needsSignature: false, remote: { digest: 'd' } },
      { step: 'ready', digest: 'd', reason: 'ImageExists' },
    ],
    [
      'takes it where a signature is asked for and there',
      { remote: { digest: 'd', isSigned: true } },
      { step: 'ready', digest: 'd', reason: 'ImageExists' },
    ],
    [
      'builds over it where the signature that is asked for is not there',
      { remote: { digest: 'd', isSigned: false } },
      { step: 'build' },
    ],
    ['takes none for signed that nobody looked into', { remote: { digest: 'd' } }, { step: 'build' }],
    [
      'signs over it what is built already',
      { remote: { digest: 'd', isSigned: false, unsignedDigest: 'u' } },
      { step: 'sign', unsignedDigest: 'u' },
    ],
    [
      'takes it also when the first look failed',
      {
        remote: { digest: 'd', isSigned: true },
        status: { state: 'Failed', attempt: { inputsHash: 'try', failures: 3 } },
      },
      { step: 'ready', digest: 'd', reason: 'ImageExists' },
    ],
    [
      'builds over it when known inputs changed',
      { status: stale, remote: { digest: 'd' } },
      { step: 'build' },
    ],
    [
      'signs what is built already',
      { remote: { unsignedDigest: 'u' } },
      { step: 'sign', unsignedDigest: 'u' },
    ],
    [
      'builds when no signature is asked for, whatever lies there unsigned',
      { needsSignature: false, remote: { unsignedDigest: 'u' } },
      { step: 'build' },
    ],
    [
      'neither builds nor signs with a bad certificate',
      { signingIsRefused: true, remote: {} },
      { step: 'refuse' },
    ],
    [
      'takes an image of these inputs whatever the certificate',
      { signingIsRefused: true, remote: { digest: 'd', label: 'now' } },
      { step: 'ready', digest: 'd', reason: 'ImageCurrent' },
    ],
    [
      'takes whatever is there when nothing is made here',
      { ...pulled, remote: { digest: 'd', label: 'theirs' } },
      { step: 'ready', digest: 'd', reason: 'ImageCurrent' },
    ],
    ['misses what nobody makes', { ...pulled, remote: {} }, { step: 'missing' }],
    [
      'waits after a failure on these inputs',
      { status: { attempt: { inputsHash: 'try', failures: 1, nextTime: later(5_000) } } },
      { step: 'wait', waitMs: 5_000 },
    ],
    [
      'waits after a failed look-up of its bases',
      {
        inputsHash: undefined,
        status: { attempt: { inputsHash: 'try', failures: 1, nextTime: later(5_000) } },
      },
      { step: 'wait', waitMs: 5_000 },
    ],
    [
      'does not wait for the failures of other inputs',
      { status: { attempt: { inputsHash: 'before', failures: 9, nextTime: later(5_000) } } },
      { step: 'ask' },
    ],
    [
      'does not wait when the time has come',
      { status: { attempt: { inputsHash: 'try', failures: 1, nextTime: later(0) } } },
      { step: 'ask' },
    ],
    [
      'looks its bases up again before it tries the same once more: they may have been mended under their tags',
      { status: { attempt: { inputsHash: 'try', failures: 1, defects: 1, nextTime: later(0) } } },
      { step: 'resolve-bases' },
    ],
    [
      'tries again when they have not moved',
      { status: { attempt: { inputsHash: 'try', failures: 4, defects: 4 } }, basesAreFresh: true },
      { step: 'ask' },
    ],
    [
      'does not try what has failed often enough',
      { status: { attempt: { inputsHash: 'try', failures: 5, defects: 5 } }, basesAreFresh: true },
      { step: 'wait', waitMs: 1_800_000 },
    ],
    [
      'tries on while only the world was to blame',
      { status: { attempt: { inputsHash: 'try', failures: 99 } } },
      { step: 'ask' },
    ],
    [
      'tries at once what has failed often enough with other inputs',
      { status: { attempt: { inputsHash: 'before', failures: 5, defects: 5 } } },
      { step: 'ask' },
    ],
    [
      'looks whether it is still there when it is time',
      { status: ready, checkIsDue: true },
      { step: 'check' },
    ],
    ['keeps what is there', { status: ready, presence: 'there' }, { step: 'keep' }],
    [
      'keeps what a registry that is down says nothing about',
      { status: ready, presence: 'unknown' },
      { step: 'keep' },
    ],
    ['tells first that it has vanished', { status: ready, presence: 'gone' }, { step: 'vanished' }],
    ['looks a second time', { status: vanished }, { step: 'check' }],
    ['makes it again when it is still gone', { status: vanished, presence: 'gone' }, { step: 'ask' }],
    [
      'only tells, where that is the policy',
      { status: vanished, presence: 'gone', vanished: 'Report' },
      { step: 'vanished' },
    ],
    [
      'waits for a registry that does not say',
      { status: vanished, presence: 'unknown' },
      { step: 'vanished' },
    ],
    [
      'is ready as it was when it is back',
      { status: vanished, presence: 'there' },
      { step: 'ready', digest: 'sha256:old', reason: 'ImageCurrent' },
    ],
    [
      'takes what somebody pushed in its place',
      { status: vanished, presence: 'gone', remote: { digest: 'd', isSigned: true } },
      { step: 'ready', digest: 'd', reason: 'ImageExists' },
    ],
    [
      'makes changed inputs whatever has vanished',
      { status: { ...vanished, inputsHash: 'before' }, vanished: 'Report' },
      { step: 'ask' },
    ],
  ])('%s', (_rule, given, step) => {
    expect(planImage(facts(given))).toEqual(step);
  });
});

const anyFacts = fc.record<ImageFacts>({
  isMade: fc.boolean(),
  needsSignature: fc.boolean(),
  signingIsRefused: fc.boolean(),
  inputsHash: fc.constantFrom(undefined, 'now'),
  tryHash: fc.constant('try'),
  basesAreFresh: fc.boolean(),
  status: fc.constantFrom(
    {},
    ready,
    stale,
    { ...ready, state: 'Failed' as const },
    vanished,
    {
      attempt: { inputsHash: 'try', failures: 2, nextTime: later(1) },
    },
    { attempt: { inputsHash: 'try', failures: 5, defects: 5, nextTime: later(0) } },
  ),
  nowMs: fc.constant(NOW),
  checkIsDue: fc.boolean(),
  presence: fc.constantFrom(undefined, 'there', 'gone', 'unknown'),
  vanished: fc.constantFrom('Rebuild', 'Report'),
  remote: fc.option(
    fc.record({
      digest: fc.constantFrom(undefined, 'd'),
      label: fc.constantFrom(undefined, 'now', 'other'),
      unsignedDigest: fc.constantFrom(undefined, 'u'),
    }),
    { nil: undefined },
  ),
});

describe('laws of the plan', () => {
  it('never builds or signs without having asked, nor while it waits, nor what it may not sign', () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        const { step } = planImage(given);
        if (step !== 'build' && step !== 'sign') return;

        expect(given).toMatchObject({ isMade: true, signingIsRefused: false, inputsHash: 'now' });
        expect(given.remote).toBeDefined();
        expect(given.status.attempt).toBeUndefined();
      }),
    );
  });

  it('never makes anew what is there, nor what it cannot ask for, nor against the policy', () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        const { step } = planImage(given);
        const isKnown = given.inputsHash === 'now' && (given.status === ready || given.status === vanished);
        if (!isKnown || (step !== 'build' && step !== 'sign' && step !== 'ask')) return;

        expect(given).toMatchObject({ status: vanished, presence: 'gone', vanished: 'Rebuild' });
      }),
    );
  });

  it('never ships an image that says it was made from other inputs', () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        const plan = planImage(given);
        // What was ready and is back is known to be of these inputs, whatever the tag says by now.
        const isTaken = plan.step === 'ready' && plan.digest === given.remote?.digest;
        if (isTaken && given.isMade) expect(given.remote?.label).not.toBe('other');
      }),
    );
  });
});
