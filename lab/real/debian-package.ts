import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir } from './cache-dir.ts';
import { runCommand } from './command.ts';
import { compareReleases } from './kernels.ts';
import { isRoot } from './requirements.ts';

/** Packages that tests hold our own code against. They are unpacked beside the system, which stays as it is. */
const REFERENCE_PACKAGES = {
  kubectl: /^kubernetes-client$/,
  'sign-file': /^linux-kbuild-/,
  promtool: /^prometheus$/,
} as const;

type Reference = keyof typeof REFERENCE_PACKAGES;

/** Where the files of a reference stand, whether or not it is there. */
export const referenceFolder = (reference: Reference): string => join(cacheDir('reference'), reference);

/**
 * Downloads and unpacks the newest package of a reference, once. Needs no root where the package lists are there.
 *
 * @throws {Error} with what the package manager said
 */
export async function unpackReference(reference: Reference): Promise<string> {
  const folder = referenceFolder(reference);
  if (existsSync(folder)) return folder;
  const work = mkdtempSync(join(cacheDir('reference'), '.unpack-'));
  try {
    await runCommand('apt-get', ['-q', 'download', await newestPackage(reference)], { cwd: work });
    const archive = readdirSync(work).find((file) => file.endsWith('.deb')) ?? '';
    await runCommand('dpkg-deb', ['-x', join(work, archive), join(work, 'files')]);
    renameSync(join(work, 'files'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

async function newestPackage(reference: Reference): Promise<string> {
  const pattern = REFERENCE_PACKAGES[reference];
  const search = async () => {
    const listing = await runCommand('apt-cache', ['search', '--names-only', pattern.source]);
    const names = listing.split('\n').map((line) => line.split(' ')[0] ?? '');
    return names
      .filter((name) => pattern.test(name))
      .sort(compareReleases)
      .at(-1);
  };
  const known = await search();
  if (known) return known;
  if (isRoot()) await runCommand('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '-q', 'update']);
  const found = await search();
  if (!found)
    throw new Error(`No package ${pattern.source} is known. Run apt-get update as root, then try again.`);
  return found;
}
