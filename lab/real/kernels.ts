import { runCommand } from './command.ts';

/** The kernel releases that a lab runs: real ones, whose headers this distribution offers today. */
export interface LabKernels {
  /** east and west. */
  readonly common: string;
  /** edge. */
  readonly edge: string;
  /** What one node of west is upgraded to. */
  readonly upgrade: string;
}

/**
 * Picks three releases from the headers packages that the distribution has now. Debian keeps only recent ABIs, so
 * none is pinned: the older cloud kernel, the newest cloud kernel, and the newest generic one.
 */
export async function findLabKernels(): Promise<LabKernels> {
  const pattern = String.raw`^linux-headers-[0-9.]+-[0-9]+-(cloud-)?amd64$`;
  const listing = await runCommand('apt-cache', ['search', '--names-only', pattern]);
  const releases = listing
    .split('\n')
    .map((line) => /^linux-headers-(\S+) /.exec(line)?.[1])
    .filter((release) => release !== undefined)
    .sort(compareReleases)
    .reverse();
  const [edge, common] = releases.filter((release) => release.includes('-cloud-'));
  const [upgrade] = releases.filter((release) => !release.includes('-cloud-'));
  if (edge && common && upgrade) return { common, edge, upgrade };
  throw new Error('No linux-headers packages found. Run apt-get update as root, then try again.');
}

/** Orders kernel releases by their numbers: 6.1.0-9 comes before 6.1.0-10. */
export function compareReleases(left: string, right: string): number {
  return left.localeCompare(right, 'en', { numeric: true });
}
