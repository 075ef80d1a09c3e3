import type { Clock } from '@kmm-fleet/runtime';
import type { NodeView, PodView } from '../views.ts';

/** In which boot of its node a container was seen first. */
interface Seen {
  readonly startedAt: string;
  boot: string;
  readonly sinceMs: number;
}

export interface Boots {
  /**
   * Pods of a node as they are since it has booted. A kubelet that is back speaks of its node before it speaks of its pods,
   * whose last words are those of the boot before: what they had loaded is gone.
   */
  sinceBoot(name: string, node: NodeView | undefined, pods: readonly PodView[]): readonly PodView[];
}

/** Nodes and pods are watched apart: by so much a new container may be seen before the boot that it belongs to. */
const APART_MS = 60_000;

/** Remembers for as long as the spoke runs; what it has not seen change it takes as it is told. */
export function createBoots(clock: Clock): Boots {
  /** By node, then by the UID of a pod. */
  const seen = new Map<string, ReadonlyMap<string, Seen>>();

  const look = (boot: string, startedAt: string, before: Seen | undefined): Seen => {
    if (before?.startedAt !== startedAt) return { startedAt, boot, sinceMs: clock.elapsed() };
    if (before.boot !== boot && clock.elapsed() - before.sinceMs < APART_MS) return { ...before, boot };
    return before;
  };

  return {
    sinceBoot(name, node, pods) {
      const { boot } = node ?? {};
      const before = seen.get(name);
      seen.delete(name);
      if (!boot) return pods;
      const now = new Map<string, Seen>();
      for (const { metadata, startedAt } of pods)
        if (metadata.uid && startedAt)
          now.set(metadata.uid, look(boot, startedAt, before?.get(metadata.uid)));
      seen.set(name, now);
      const isOver = ({ metadata: { uid = '' } }: PodView) => (now.get(uid)?.boot ?? boot) !== boot;
      return pods.map((pod) => (isOver(pod) ? { ...pod, isReady: false, isUp: false } : pod));
    },
  };
}
