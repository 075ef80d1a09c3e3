import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheDir } from '../cache-dir.ts';
import { runCommand } from '../command.ts';
import { debianCodename, makeRootTar, SHELL } from '../root-tar.ts';
import { BOOT_MODULES, GUEST_INIT, RAM_DISK_INIT } from './guest-files.ts';
import { kubeletProgram } from './kubelet-program.ts';
import { unpackImages } from './unpack-images.ts';

/** What guests are started from. */
export interface GuestDisk {
  /** An ext4 file system, raw, with containerd, kubelet and the modules of every kernel; never written to. */
  readonly disk: string;
  /** Kernel image and initial RAM disk of a release. */
  readonly boot: (release: string) => { readonly kernel: string; readonly ramDisk: string };
}

type Progress = (line: string) => void;

/** Sparse: some 500 MB are used; an operator, what it builds with and what is built come to another. */
const DISK_SIZE = '4G';
const PACKAGES = ['busybox-static', 'containerd', 'runc', 'containernetworking-plugins'];
const NETWORK_PLUGINS = new Set(['bridge', 'host-local', 'loopback']);

/**
 * Makes the disk of guests with these kernels from the distribution's packages, once per machine (about a minute), and
 * keeps it in the cache.
 *
 * @param images OCI archives of what pods there need, whose layers come unpacked
 * @throws {Error} that says what is missing
 */
export async function prepareGuestDisk(
  releases: readonly string[],
  images: readonly string[],
  progress: Progress,
): Promise<GuestDisk> {
  const kubelet = await kubeletProgram(progress);
  const texts = [debianCodename(), releases, kubelet, GUEST_INIT, RAM_DISK_INIT, PACKAGES, DISK_SIZE];
  const hash = createHash('sha256').update(JSON.stringify(texts));
  for (const image of images) hash.update(readFileSync(image));
  const folder = join(cacheDir('guests'), hash.digest('hex').slice(0, 12));
  if (!existsSync(folder)) {
    progress(`making the disk of virtual machines with ${releases.join(', ')} (once, about a minute)`);
    await makeFolder(folder, { releases, images, kubelet });
  }
  return {
    disk: join(folder, 'disk.ext4'),
    boot: (release) => ({
      kernel: join(folder, `vmlinuz-${release}`),
      ramDisk: join(folder, `ramdisk-${release}.gz`),
    }),
  };
}

interface DiskParts {
  readonly releases: readonly string[];
  readonly images: readonly string[];
  readonly kubelet: string;
}

async function makeFolder(folder: string, { releases, images, kubelet }: DiskParts): Promise<void> {
  const work = mkdtempSync(join(dirname(folder), '.make-'));
  const [root, made] = [join(work, 'root'), join(work, 'made')];
  try {
    for (const each of [root, made]) mkdirSync(each);
    await makeRootTar(join(work, 'root.tar'), [...SHELL, ...PACKAGES]);
    await runCommand('tar', ['-xf', join(work, 'root.tar'), '-C', root]);
    for (const release of releases) await addKernel(release, { root, made, work });
    await unpackImages(root, images);
    await finishRoot(root, kubelet);
    await runCommand('mkfs.ext4', [
      ...['-q', '-F', '-O', '^has_journal', '-E', 'lazy_itable_init=1,nodiscard', '-d', root],
      ...[join(made, 'disk.ext4'), DISK_SIZE],
    ]);
    renameSync(made, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Modules go to the disk; the kernel, and a RAM disk that finds the disk, beside it. */
async function addKernel(
  release: string,
  { root, made, work }: { readonly root: string; readonly made: string; readonly work: string },
): Promise<void> {
  const files = join(work, release);
  mkdirSync(files);
  await runCommand('apt-get', ['-q', 'download', `linux-image-${release}`], { cwd: files });
  const archive = readdirSync(files).find((file) => file.endsWith('.deb')) ?? '';
  await runCommand('dpkg-deb', ['-x', join(files, archive), join(files, 'unpacked')]);
  const unpacked = (path: string) => join(files, 'unpacked', path);
  cpSync(unpacked(`boot/vmlinuz-${release}`), join(made, `vmlinuz-${release}`));
  cpSync(unpacked(`lib/modules/${release}`), join(root, 'lib/modules', release), { recursive: true });
  await runCommand('depmod', ['-b', root, release]);
  const ramDisk = join(files, 'ramdisk');
  for (const name of ['bin', 'modules', 'proc', 'sys', 'dev', 'disk', 'seed'])
    mkdirSync(join(ramDisk, name), { recursive: true });
  cpSync(join(root, 'bin/busybox'), join(ramDisk, 'bin/busybox'));
  for (const path of BOOT_MODULES)
    cpSync(
      join(root, 'lib/modules', release, 'kernel', `${path}.ko`),
      join(ramDisk, 'modules', `${path.split('/').at(-1)}.ko`),
    );
  writeFileSync(join(ramDisk, 'init'), RAM_DISK_INIT, { mode: 0o755 });
  await archiveFolder(ramDisk, join(made, `ramdisk-${release}.gz`));
}

async function finishRoot(root: string, kubelet: string): Promise<void> {
  mkdirSync(join(root, 'usr/local/bin'), { recursive: true });
  cpSync(kubelet, join(root, 'usr/local/bin/kubelet'));
  const plugins = join(root, 'usr/lib/cni');
  for (const name of readdirSync(plugins)) if (!NETWORK_PLUGINS.has(name)) rmSync(join(plugins, name));
  for (const name of ['ctr', 'containerd-shim', 'containerd-shim-runc-v1'])
    rmSync(join(root, 'usr/bin', name), { force: true });
  for (const name of ['proc', 'sys', 'dev', 'run', 'tmp', 'root', 'var/log', 'var/lib/firmware'])
    mkdirSync(join(root, name), { recursive: true });
  writeFileSync(join(root, 'sbin/guest-init'), GUEST_INIT, { mode: 0o755 });
  // What is there already stays, and is complained about.
  await runCommand('chroot', [root, '/bin/sh', '-c', '/bin/busybox --install -s 2>/dev/null; true']);
}

/** Writes the files of a folder as the kernel unpacks them at its start; several may follow one another in a file. */
export async function archiveFolder(folder: string, target: string): Promise<void> {
  const script = `cd "$1" && find . | cpio -o -H newc --quiet | gzip -1 >"$2"`;
  await runCommand('sh', ['-c', script, 'archive', folder, target]);
}
