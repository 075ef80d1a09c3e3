import { describeFinding, type Finding, type ImageState, type ModuleImageStatus } from '@kmm-fleet/api';
import { backoffMs, deepEqual, FAILURES, type FailureCode } from '@kmm-fleet/runtime';

/** What one pass over an image came to. */
export type ImageOutcome =
  | { readonly kind: 'progress'; readonly state: 'Wanted' | 'Building' | 'Signing'; readonly message: string }
  | {
      readonly kind: 'ready';
      readonly digest: string;
      readonly inputsHash: string;
      readonly reason: string;
      readonly log?: string;
    }
  | { readonly kind: 'refused'; readonly state: 'Failed' | 'Conflict'; readonly findings: readonly Finding[] }
  | {
      readonly kind: 'failed';
      readonly code: FailureCode;
      readonly message: string;
      readonly log: string;
      readonly inputsHash: string;
      /** What the other side asked for. */
      readonly retryAfterMs?: number | undefined;
    };

/** Failures on equal inputs are tried again after about 30 s, doubling up to half an hour. */
const RETRY = { baseMs: 40_000, maxMs: 1_800_000 };
const MESSAGE_CHARS_MAX = 1_024;

/**
 * The next status of an image; `previous` itself when nothing changed. The digest of the last good image stays while
 * a new one is made or fails: clusters that run it keep it.
 *
 * @param jitter a number in [0, 1)
 */
export function imageStatus(
  previous: ModuleImageStatus,
  outcome: ImageOutcome,
  generation: number | undefined,
  nowMs: number,
  jitter: number,
): ModuleImageStatus {
  const next = withoutUndefined({
    ...previous,
    ...changed(previous, outcome, nowMs, jitter),
    observedGeneration: generation,
  });
  const moved = next.state !== previous.state;
  const stamped = moved ? { ...next, lastTransitionTime: new Date(nowMs).toISOString() } : next;
  return deepEqual(stamped, previous) ? previous : stamped;
}

/** True when two statuses differ in something that people are to be told, not just in the generation looked at. */
export function isNews(before: ModuleImageStatus, after: ModuleImageStatus): boolean {
  return !deepEqual({ ...before, observedGeneration: 0 }, { ...after, observedGeneration: 0 });
}

function changed(
  previous: ModuleImageStatus,
  outcome: ImageOutcome,
  nowMs: number,
  jitter: number,
): Partial<Record<keyof ModuleImageStatus, unknown>> & { state: ImageState } {
  switch (outcome.kind) {
    case 'progress':
      return { state: outcome.state, reason: outcome.state, message: outcome.message, log: undefined };
    case 'ready': {
      const { digest, inputsHash, reason, log } = outcome;
      return { state: 'Ready', digest, inputsHash, reason, message: undefined, attempt: undefined, log };
    }
    case 'refused': {
      const [first] = outcome.findings;
      const message = outcome.findings.map(describeFinding).join(' ').slice(0, MESSAGE_CHARS_MAX);
      return { state: outcome.state, reason: first?.reason, message, attempt: undefined, log: undefined };
    }
    case 'failed': {
      const { code, inputsHash, log, retryAfterMs = 0 } = outcome;
      const before = previous.attempt?.inputsHash === inputsHash ? previous.attempt.failures : 0;
      const askedMs = Math.min(retryAfterMs, RETRY.maxMs);
      const nextMs = nowMs + Math.max(askedMs, backoffMs(before + 1, jitter, RETRY));
      return {
        state: code === 'IMAGE_NOT_FOUND' ? 'Missing' : 'Failed',
        reason: FAILURES[code].reason,
        message: `${outcome.message} ${FAILURES[code].nextStep}`.slice(0, MESSAGE_CHARS_MAX),
        log: log || undefined,
        attempt: { inputsHash, failures: before + 1, nextTime: new Date(nextMs).toISOString() },
      };
    }
  }
}

function withoutUndefined(status: Record<string, unknown>): ModuleImageStatus {
  return Object.fromEntries(Object.entries(status).filter(([, value]) => value !== undefined));
}
