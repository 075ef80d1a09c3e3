import { runCommand } from './command.ts';

/** The kernel releases that a lab runs: real ones, which this distribution offers today. */
export interface LabKernels {
  /** east and west. */
  readonly common: string;
  /** edge. */
  readonly edge: string;
  /** What one node of west is upgraded to. */
  readonly upgrade: string;
}

/** Picks three releases from the packages that the distribution has now, since Debian keeps only recent ABIs. */
export async function findLabKernels(): Promise<LabKernels> {
  const pattern = String.raw`^linux-(headers|image)-[0-9.]+-[0-9]+-(cloud-)?amd64$`;
  const listing = await runCommand('apt-cache', ['search', '--names-only', pattern]);
  const kernels = pickLabKernels(listing.split('\n').map((line) => line.split(' ')[0] ?? ''));
  if (kernels) return kernels;
  throw new Error(
    'No linux-headers packages whose linux-image is there too. Run apt-get update as root, then try again.',
  );
}

/** Kernels of the distribution that modules can be built for. Its lists are fetched anew where one of `wanted` is not in them. */
export async function kernelsWithHeaders(wanted: readonly string[]): Promise<string[]> {
  const search = async () => {
    const listing = await runCommand('apt-cache', ['search', '--names-only', '^linux-headers-[0-9]']);
    const names = listing.split('\n').map((line) => line.split(' ')[0] ?? '');
    return names
      .filter((name) => name !== '' && !name.includes('-common'))
      .map((name) => name.slice('linux-headers-'.length));
  };
  const known = await search();
  if (wanted.every((release) => known.includes(release))) return known;
  await runCommand('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '-q', 'update']);
  return search();
}

/**
 * The older cloud kernel, the newest cloud kernel, and the newest generic one, of those that modules can be built for
 * and that a machine can boot: headers of a new ABI are published hours before its signed image is.
 */
export function pickLabKernels(packages: readonly string[]): LabKernels | undefined {
  const images = new Set(packages.filter((name) => name.startsWith('linux-image-')));
  const releases = packages
    .filter((name) => name.startsWith('linux-headers-'))
    .map((name) => name.slice('linux-headers-'.length))
    .filter((release) => images.has(`linux-image-${release}`))
    .sort(compareReleases)
    .reverse();
  const [edge, common] = releases.filter((release) => release.includes('-cloud-'));
  const [upgrade] = releases.filter((release) => !release.includes('-cloud-'));
  return edge && common && upgrade ? { common, edge, upgrade } : undefined;
}

/** Orders kernel releases by their numbers: 6.1.0-9 comes before 6.1.0-10. */
export function compareReleases(left: string, right: string): number {
  return left.localeCompare(right, 'en', { numeric: true });
}
