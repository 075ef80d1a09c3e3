import { OF_CLUSTERS } from './of-clusters.ts';
import { OF_GATHERS } from './of-gathers.ts';
import { OF_IMAGES } from './of-images.ts';
import { OF_INSTALLS } from './of-installs.ts';
import { OF_SPECS } from './of-specs.ts';
import { OF_NEIGHBOURS, OF_THE_WORLD } from './of-the-world.ts';
import type { ReasonEntry } from './reason.ts';

/** The chapters of docs/reasons.md. */
export const REASON_CHAPTERS = {
  'What is written': OF_SPECS,
  Images: OF_IMAGES,
  'Clusters and nodes': OF_CLUSTERS,
  'API servers': OF_THE_WORLD,
  'Words of kubelets': OF_NEIGHBOURS,
  'Only in a gather': OF_GATHERS,
  'Only in a check of an installation': OF_INSTALLS,
} as const;

/** Every reason that conditions, events, metrics, logs and the command line use, with its meaning and what to do. */
export const REASONS = {
  ...OF_SPECS,
  ...OF_IMAGES,
  ...OF_CLUSTERS,
  ...OF_THE_WORLD,
  ...OF_NEIGHBOURS,
  ...OF_GATHERS,
  ...OF_INSTALLS,
} as const;

export type Reason = keyof typeof REASONS;

export const isReason = (name: string): name is Reason => Object.hasOwn(REASONS, name);

/** Undefined for a word that is not ours, such as a rare one of a kubelet. */
export const reasonEntry = (name: string): ReasonEntry | undefined =>
  isReason(name) ? REASONS[name] : undefined;

/** Where a reason is explained, relative to the repository. */
export const reasonLink = (name: string): string => `docs/reasons.md#${name.toLowerCase()}`;
