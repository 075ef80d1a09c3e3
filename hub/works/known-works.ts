import type { ManifestWork } from '@kmm-fleet/api';
import type { Outlook } from './item-status.ts';
import { isSameWork } from './same-work.ts';

/** What the hub knows of works beyond what it watches: what it decided for each last, and what it wrote. */
export interface KnownWorks {
  /** What was decided last, unless it was forgotten. */
  outlook(key: string): Outlook | undefined;
  decided(key: string, outlook: Outlook): void;
  /** A write begins. It ends by `wrote` or `forget`. */
  writes(key: string, work: ManifestWork): void;
  /**
   * @param seen version up to which everything was watched
   * @returns false when the work is gone again: the watch is past its version and shows none
   */
  wrote(key: string, stored: ManifestWork, watched: ManifestWork | undefined, seen: string): boolean;
  /** The item is gone, or a pass failed: whatever the watch shows next is news. */
  forget(key: string): void;
  /** Works that were written, and are neither in a fresh list nor newer than it. They count as written no more. */
  gone(watched: (key: string) => ManifestWork | undefined, seen: string): string[];
  /** Takes what the watch shows. True: the last plan has neither seen nor written this, so another one is due. */
  isNews(key: string, before: ManifestWork | undefined, after: ManifestWork | undefined): boolean;
  /** The work as last written or as last watched, whichever is the later. */
  newest(key: string, watched: ManifestWork | undefined): ManifestWork | undefined;
}

export function createKnownWorks(): KnownWorks {
  const outlooks = new Map<string, Outlook>();
  /** Works as they are being written: the watch may show one before the answer is read. */
  const writing = new Map<string, ManifestWork>();
  /** Works as they were stored, until the watch has caught up. */
  const written = new Map<string, ManifestWork>();
  return {
    outlook: (key) => outlooks.get(key),
    decided(key, { action, waits }) {
      // The work of a plan is large, and there is one for each cluster.
      outlooks.set(key, { action: { kind: action.kind }, waits });
    },
    writes: (key, work) => void writing.set(key, work),
    wrote(key, stored, watched, seen) {
      writing.delete(key);
      if (isKnown(stored, seen)) return watched !== undefined;
      // A write says nothing of what the cluster reports, which is as it was.
      if (!watched || isOlder(watched, stored)) written.set(key, { ...watched, ...stored });
      return true;
    },
    gone(watched, seen) {
      const keys = [...written].filter(([key, stored]) => isKnown(stored, seen) && !watched(key));
      for (const [key] of keys) written.delete(key);
      return keys.map(([key]) => key);
    },
    forget(key) {
      writing.delete(key);
      outlooks.delete(key);
    },
    isNews(key, before, after) {
      const stored = written.get(key);
      const isPlanned = outlooks.has(key);
      // What was on its way when we wrote says nothing of what is there now.
      if (after && stored && isOlder(after, stored)) return !isPlanned;
      written.delete(key);
      return !isPlanned || !isSameWork(writing.get(key) ?? stored ?? before, after);
    },
    newest(key, watched) {
      const stored = written.get(key);
      return stored && (!watched || isOlder(watched, stored)) ? stored : watched;
    },
  };
}

/** Versions of one server count upwards; what is not a number cannot be judged and is taken. */
function isOlder(work: ManifestWork, other: ManifestWork): boolean {
  return Number(work.metadata.resourceVersion) < Number(other.metadata.resourceVersion);
}

/** Who has seen everything up to a version has seen this. */
const isKnown = ({ metadata }: ManifestWork, seen: string): boolean =>
  Number(metadata.resourceVersion) <= Number(seen);
