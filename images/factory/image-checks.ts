import type { Random } from '@kmm-fleet/runtime';

/** When images that are ready are looked at again: one that was there may have vanished from its registry. */
export interface ImageChecks {
  /** Milliseconds until an image is due; 0 when it is. */
  dueIn(image: string): number;
  /** It was looked at. */
  done(image: string): void;
  /** Somebody could not pull it: it is due, unless it was looked at just now. */
  doubt(image: string): void;
  forget(image: string): void;
}

/** A fleet that cannot pull reports it from every cluster. */
const DOUBT_MS_MIN = 300_000;

/**
 * One look-up per image and interval, spread by a quarter to both sides; the first after a start comes anywhere in an
 * interval, so that a restart is no storm.
 *
 * @param everyMs 0: only what is doubted is looked at
 */
export function createImageChecks(everyMs: number, nowMs: () => number, random: Random): ImageChecks {
  const due = new Map<string, number>();
  const last = new Map<string, number>();
  const dueAt = (image: string) => {
    const at = due.get(image) ?? nowMs() + (everyMs ? everyMs * random() : Number.POSITIVE_INFINITY);
    due.set(image, at);
    return at;
  };
  return {
    // Whole milliseconds: a timer that is told less comes too early by that, again and again.
    dueIn: (image) => Math.max(0, Math.ceil(dueAt(image) - nowMs())),
    done(image) {
      last.set(image, nowMs());
      due.set(image, nowMs() + (everyMs ? everyMs * (0.75 + random() / 2) : Number.POSITIVE_INFINITY));
    },
    doubt(image) {
      const at = Math.max(nowMs(), (last.get(image) ?? Number.NEGATIVE_INFINITY) + DOUBT_MS_MIN);
      due.set(image, Math.min(at, dueAt(image)));
    },
    forget(image) {
      due.delete(image);
      last.delete(image);
    },
  };
}
