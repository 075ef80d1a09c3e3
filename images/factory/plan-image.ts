import type { ModuleImageStatus } from '@kmm-fleet/api';
import { isDefective, isSpent, waitOf } from './attempt.ts';

/** Everything that decides the next step of one image. Times are milliseconds since the epoch. */
export interface ImageFacts {
  /** Something is built or signed here. */
  readonly isMade: boolean;
  readonly needsSignature: boolean;
  /** Signing is asked for and impossible today. */
  readonly signingIsRefused: boolean;
  /** Hash of the inputs with their bases; undefined while bases are not resolved. */
  readonly inputsHash?: string | undefined;
  /** Hash of the inputs as far as they are known, and of the access to registries: failures are counted under it. */
  readonly tryHash: string;
  /** The bases were looked up in this pass, or have no tags that could move. */
  readonly basesAreFresh: boolean;
  readonly status: ModuleImageStatus;
  readonly nowMs: number;
  /** What the registry said; undefined: it was not asked in this pass. */
  readonly remote?: RemoteFacts | undefined;
}

export interface RemoteFacts {
  /** Of the final tag. */
  readonly digest?: string | undefined;
  /** Inputs hash that the final image carries. */
  readonly label?: string | undefined;
  /** Of the intermediate image, when it was made from equal build inputs. */
  readonly unsignedDigest?: string | undefined;
}

/** The next step of one image. `ask` is answered by the registry and leads to another plan in the same pass. */
export type ImageStep =
  | { readonly step: 'resolve-bases' }
  | { readonly step: 'ask' }
  | { readonly step: 'wait'; readonly waitMs: number }
  | { readonly step: 'ready'; readonly digest: string; readonly reason: string }
  | { readonly step: 'missing' }
  | { readonly step: 'refuse' }
  | { readonly step: 'build' }
  | { readonly step: 'sign'; readonly unsignedDigest: string }
  | { readonly step: 'keep' };

/** Time goes by between looks at what a spent image starts from. */
const SPENT_RECHECK_MS = 1_800_000;

/** Decides what to do next for one image. Pure; the order of the lines is the order of the questions. */
export function planImage(facts: ImageFacts): ImageStep {
  const { status, inputsHash, tryHash, remote } = facts;
  const waitMs = waitOf(status.attempt, tryHash, facts.nowMs);
  if (inputsHash === undefined) return waitMs > 0 ? { step: 'wait', waitMs } : { step: 'resolve-bases' };
  if (status.state === 'Ready' && status.digest && status.inputsHash === inputsHash) return { step: 'keep' };
  if (waitMs > 0) return { step: 'wait', waitMs };
  if (isDefective(status.attempt, tryHash) && !facts.basesAreFresh) return { step: 'resolve-bases' };
  if (isSpent(status.attempt, tryHash)) return { step: 'wait', waitMs: SPENT_RECHECK_MS };
  if (!remote) return { step: 'ask' };
  if (remote.digest && isAcceptable(facts, remote, inputsHash)) {
    return { step: 'ready', digest: remote.digest, reason: remote.label ? 'ImageCurrent' : 'ImageExists' };
  }
  if (!facts.isMade) return { step: 'missing' };
  if (facts.signingIsRefused) return { step: 'refuse' };
  const { unsignedDigest } = remote;
  return facts.needsSignature && unsignedDigest ? { step: 'sign', unsignedDigest } : { step: 'build' };
}

/**
 * An image that exists is taken when it was made from these inputs, or when nobody makes it here; one that somebody
 * else pushed is taken once, as in KMM, until inputs that we know of have changed.
 */
function isAcceptable({ isMade, status }: ImageFacts, { label }: RemoteFacts, inputsHash: string): boolean {
  if (!isMade) return true;
  return label === undefined ? status.inputsHash === undefined : label === inputsHash;
}
