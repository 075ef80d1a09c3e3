import { compareReleases } from '@kmm-fleet/lab';

const SHOWN_MAX = 10;

/** What is said of kernels whose headers the distribution does not have; undefined when it has all of them. */
export function missingHeaders(kernels: readonly string[], known: readonly string[]): string | undefined {
  const missing = kernels.filter((release) => !known.includes(release));
  if (missing.length === 0) return undefined;
  const names = missing.map((release) => `linux-headers-${release}`).join(', ');
  const newest = known.toSorted(compareReleases).toReversed().slice(0, SHOWN_MAX);
  const rest = newest.length > 0 ? `It has: ${newest.join(', ')}` : 'It has none: check the sources of apt.';
  return `--kernel: this Debian release has no ${names}. ${rest}`;
}
