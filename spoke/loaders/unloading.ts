import { type KubeObject, lastLines } from '@kmm-fleet/runtime';
import { WORDS } from '../hooks/loader-hooks.ts';

/** What became of a module when its loader ended, as far as a cluster can know. */
export type Unloading =
  | { readonly outcome: 'left' }
  | { readonly outcome: 'stays'; readonly words: string }
  | { readonly outcome: 'unknown'; readonly why: string };

/** How a kubelet saw a container end. */
export interface Ended {
  readonly message?: string;
  readonly finishedAt?: string;
}

/** Enough for modprobe's last words about a handful of modules; the last ones say why it gave up. */
export const WORDS_CHARS_MAX = 500;
/** The clock of a node and that of the API server may differ: a hook counts as done in time within this part of its grace. */
const IN_TIME = 2 / 3;
/** Times are told in whole seconds, each on its own clock. */
const ROUNDED_SECONDS = 2;

/**
 * A hook of ours that has no words has unloaded its module, unless it was cut off: a kubelet stops a container when the
 * grace period of its pod is over, whatever its hook has done by then, and no exit code tells of that. Pure.
 *
 * @param pod a loader that is being deleted, with its container's end in its status
 */
export function unloadingOf(pod: KubeObject, { message = '', finishedAt = '' }: Ended): Unloading {
  const words = lastLines(message.trim(), WORDS_CHARS_MAX);
  if (words) return { outcome: 'stays', words };
  if (!hookHasWords(pod)) return { outcome: 'unknown', why: 'the hook of its loader tells nothing of it.' };
  const { deletionTimestamp = '', deletionGracePeriodSeconds: grace = 0 } = pod.metadata;
  if (!finishedAt) return { outcome: 'unknown', why: 'its node does not say when its loader ended.' };
  // What the API server shows is when the grace period ends, not when it began.
  const took = (Date.parse(finishedAt) - Date.parse(deletionTimestamp)) / 1_000 + grace;
  if (took < -ROUNDED_SECONDS)
    return { outcome: 'unknown', why: `the clock of its node is ${-took} s or more behind.` };
  if (took <= grace * IN_TIME) return { outcome: 'left' };
  const why = `its loader ended ${took} s after it was told to, with ${grace} s for its hook, which may have been cut off.`;
  return { outcome: 'unknown', why };
}

/** Hooks of KMM 1.x write nothing down, whether they unload or not. */
function hookHasWords({ spec }: KubeObject): boolean {
  const { containers = [] } = (spec ?? {}) as { containers?: { lifecycle?: { preStop?: object } }[] };
  return containers.some(({ lifecycle }) => JSON.stringify(lifecycle?.preStop ?? {}).includes(WORDS));
}
