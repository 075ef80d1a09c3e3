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
  /** It is time to look whether what is ready is still there. */
  readonly checkIsDue: boolean;
  /** What that look came to in this pass. */
  readonly presence?: Presence | undefined;
  /** What follows when it is gone. */
  readonly vanished: 'Rebuild' | 'Report';
  /** What the registry said; undefined: it was not asked in this pass. */
  readonly remote?: RemoteFacts | undefined;
}

/** Whether a digest is in its registry; a registry that does not say counts for nothing. */
export type Presence = 'there' | 'gone' | 'unknown';

export interface RemoteFacts {
  /** Of the final tag. */
  readonly digest?: string | undefined;
  /** Inputs hash that the final image carries. */
  readonly label?: string | undefined;
  /** The certificate verifies all modules to sign of a final image without a label; undefined: nobody looked. */
  readonly isSigned?: boolean | undefined;
  /** Of the intermediate image, when it was made from equal build inputs. */
  readonly unsignedDigest?: string | undefined;
}

/** The next step of one image. `ask` is answered by the registry and leads to another plan in the same pass. */
export type ImageStep =
  | { readonly step: 'resolve-bases' }
  | { readonly step: 'check' }
  | { readonly step: 'vanished' }
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
  const made = status.inputsHash === inputsHash && planMade(facts, waitMs);
  if (made) return made;
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

const hasVanished = ({ state, reason }: ModuleImageStatus) =>
  state === 'Missing' && reason === 'ImageVanished';

/**
 * What was made from these inputs is kept for as long as it is there. Gone it is first told, and looked for once more:
 * to make it again may move a digest that clusters run. Undefined: it is to be made.
 */
function planMade(facts: ImageFacts, waitMs: number): ImageStep | undefined {
  const { status, presence } = facts;
  const isReady = status.state === 'Ready';
  if (!status.digest || (!isReady && !hasVanished(status))) return undefined;
  if (isReady && !presence && !facts.checkIsDue) return { step: 'keep' };
  if (waitMs > 0) return { step: 'wait', waitMs };
  if (!presence) return { step: 'check' };
  if (isReady) return { step: presence === 'gone' ? 'vanished' : 'keep' };
  if (presence === 'there') return { step: 'ready', digest: status.digest, reason: 'ImageCurrent' };
  return presence === 'gone' && facts.vanished === 'Rebuild' ? undefined : { step: 'vanished' };
}

/**
 * An image that exists is taken when it was made from these inputs, or when nobody makes it here; one that somebody
 * else pushed is taken once, as in KMM, until inputs that we know of have changed, and again when it has vanished. But
 * where a signature is asked for it has to be there: a node would say so weeks later.
 */
function isAcceptable(facts: ImageFacts, { label, isSigned }: RemoteFacts, inputsHash: string): boolean {
  const { isMade, needsSignature, status } = facts;
  if (!isMade) return true;
  if (label !== undefined) return label === inputsHash;
  if (needsSignature && !isSigned) return false;
  return takesOthers(status);
}

/** Whether an image that somebody else pushed may be taken at all. */
export const takesOthers = (status: ModuleImageStatus): boolean =>
  status.inputsHash === undefined || hasVanished(status);
