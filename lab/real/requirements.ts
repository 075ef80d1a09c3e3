import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runCommand } from './command.ts';

/** Programs that the real parts need, and the Debian package that brings each. */
export const PACKAGES = {
  kubectl: 'kubernetes-client',
  buildah: 'buildah',
  'docker-registry': 'docker-registry',
  htpasswd: 'apache2-utils',
  openssl: 'openssl',
  mmdebstrap: 'mmdebstrap',
  xz: 'xz-utils',
  zstd: 'zstd',
  skopeo: 'skopeo',
  modinfo: 'kmod',
  depmod: 'kmod',
} as const;

/** What virtual machines need beside; the firmware for Secure Boot comes with the machine. */
const GUEST_PACKAGES = {
  'qemu-system-x86_64': 'qemu-system-x86 ovmf',
  'qemu-img': 'qemu-utils',
  cpio: 'cpio',
  'mkfs.ext4': 'e2fsprogs',
} as const;

export const GUEST_PROGRAMS = Object.keys(GUEST_PACKAGES) as (keyof typeof GUEST_PACKAGES)[];

const ALL_PACKAGES = { ...PACKAGES, ...GUEST_PACKAGES };

export type Program = keyof typeof ALL_PACKAGES;

/** Those of `programs` that are not on the PATH, sorted. */
export function missingPrograms(programs: readonly Program[] = allPrograms()): Program[] {
  return programs.filter((program) => !findProgram(program)).sort();
}

/** The full path of a program, looked for on the PATH and where Debian keeps administrators' programs. */
export function findProgram(program: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

/**
 * Installs what is missing with apt-get, which needs root on a Debian machine.
 *
 * @throws {Error} that says exactly what to install where the right or the package manager is missing
 */
export async function installPrograms(
  programs: readonly Program[],
  progress: (line: string) => void,
): Promise<void> {
  const missing = missingPrograms(programs);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.flatMap((program) => ALL_PACKAGES[program].split(' ')))].sort();
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (!canInstall()) throw new Error(`Missing: ${missing.join(', ')}. Install them as root with: ${command}`);
  progress(`installing ${packages.join(', ')}`);
  const apt = ['-o', 'DPkg::Lock::Timeout=300', '-q'];
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await runCommand('apt-get', [...apt, 'update'], { env });
  await runCommand('apt-get', [...apt, 'install', '-y', '--no-install-recommends', ...packages], { env });
}

/** Whether this process may install Debian packages. */
export function canInstall(): boolean {
  return isRoot() && existsSync('/usr/bin/apt-get');
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function allPrograms(): Program[] {
  return Object.keys(PACKAGES) as (keyof typeof PACKAGES)[];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
