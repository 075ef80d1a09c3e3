import type { ModuleImageStatus } from '@kmm-fleet/api';

/** Everything that decides the next step of one image. Times are milliseconds since the epoch. */
export interface ImageFacts {
  /** Something is built or signed here. */
  readonly isMade: boolean;
  readonly needsSignature: boolean;
  /** Signing is asked for and impossible today. */
  readonly signingIsRefused: boolean;
  /** Hash of the inputs without their bases. */
  readonly staticHash: string;
  /** Hash of the inputs with their bases; undefined while bases are not resolved. */
  readonly inputsHash?: string | undefined;
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

/** Decides what to do next for one image. Pure; the order of the lines is the order of the questions. */
export function planImage(facts: ImageFacts): ImageStep {
  const { status, inputsHash, remote } = facts;
  const waitMs = waitFor(facts);
  if (inputsHash === undefined) return waitMs > 0 ? { step: 'wait', waitMs } : { step: 'resolve-bases' };
  if (status.state === 'Ready' && status.digest && status.inputsHash === inputsHash) return { step: 'keep' };
  if (waitMs > 0) return { step: 'wait', waitMs };
  if (!remote) return { step: 'ask' };
  if (remote.digest && isAcceptable(facts, remote, inputsHash)) {
    return { step: 'ready', digest: remote.digest, reason: remote.label ? 'ImageCurrent' : 'ImageExists' };
  }
  if (!facts.isMade) return { step: 'missing' };
  if (facts.signingIsRefused) return { step: 'refuse' };
  const { unsignedDigest } = remote;
  return facts.needsSignature && unsignedDigest ? { step: 'sign', unsignedDigest } : { step: 'build' };
}

/** Failures on the same inputs back off; changed inputs are tried at once. */
function waitFor({ status: { attempt }, staticHash, inputsHash = staticHash, nowMs }: ImageFacts): number {
  if (!attempt?.nextTime || attempt.inputsHash !== inputsHash) return 0;
  return Math.max(0, Date.parse(attempt.nextTime) - nowMs);
}

/**
 * An image that exists is taken when it was made from these inputs, or when nobody makes it here; one that somebody
 * else pushed is taken once, as in KMM, until inputs that we know of have changed.
 */
function isAcceptable({ isMade, status }: ImageFacts, { label }: RemoteFacts, inputsHash: string): boolean {
  if (!isMade) return true;
  return label === undefined ? status.inputsHash === undefined : label === inputsHash;
}
