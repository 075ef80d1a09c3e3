import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheDir } from './cache-dir.ts';
import type { ServerCertificates } from './certificates.ts';
import { runCommand } from './command.ts';
import type { LabKernels } from './kernels.ts';
import { type RealRegistry, startRegistry } from './registry.ts';

/** Images that a build starts from, as tags below the registry's address. */
export interface BaseImages {
  /** Compiler, make, kmod and the headers of the lab's kernels: what DTK_AUTO resolves to. */
  readonly toolkit: string;
  /** The last stage of a module image: sh, coreutils, kmod. */
  readonly runtime: string;
  /** C sources and firmware of the demo's two modules. */
  readonly source: string;
  readonly devicePlugin: string;
  /** A folder of registry storage that holds all of them; copy it to start a registry with them inside. */
  readonly storage: string;
}

type Progress = (line: string) => void;

/** Raise when the recipe below changes: part of the cache's key. */
const RECIPE = 1;

/**
 * Makes the base images of the lab from the distribution's packages, once per machine and set of kernels
 * (about 40 s), and keeps them as registry storage in the cache.
 */
export async function makeBaseImages(
  kernels: LabKernels,
  certificates: ServerCertificates,
  sources: string,
  progress: Progress,
): Promise<BaseImages> {
  const codename = debianCodename();
  const key = createHash('sha256')
    .update(JSON.stringify([RECIPE, codename, kernels, sourceTexts(sources)]))
    .digest('hex')
    .slice(0, 12);
  const storage = join(cacheDir(), `base-images-${key}`);
  const images = {
    toolkit: `driver-toolkit:${codename}`,
    runtime: `runtime:${codename}`,
    source: 'kmm-demo-source:1.0',
    devicePlugin: 'kmm-demo-device-plugin:1.0',
    storage,
  };
  if (existsSync(storage)) return images;
  progress(`making the toolkit image for ${Object.values(kernels).join(', ')} (once, about 40 s)`);
  await makeStorage(images, kernels, certificates, sources, progress);
  return images;
}

async function makeStorage(
  images: BaseImages,
  kernels: LabKernels,
  certificates: ServerCertificates,
  sources: string,
  progress: Progress,
): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'kmm-base-images-'));
  const storage = join(work, 'storage');
  const login = { username: 'base', password: 'base' };
  try {
    const headers = Object.values(kernels).map((release) => `linux-headers-${release}`);
    await Promise.all([
      makeRootTar(join(work, 'toolkit.tar'), ['make', 'sed', 'grep', 'mawk', ...headers]),
      makeRootTar(join(work, 'runtime.tar'), []),
    ]);
    progress('pushing the base images into the cache');
    const registry = await startRegistry({
      directory: work,
      storage,
      certificate: certificates.server,
      ...login,
    });
    try {
      await pushBaseImages(images, registry, certificates.ca, work, sources);
    } finally {
      await registry.stop();
    }
    renameOrCopy(storage, images.storage);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Builds and pushes the four images from the tars in `work`. */
export async function pushBaseImages(
  images: BaseImages,
  registry: RealRegistry,
  ca: string,
  work: string,
  sources: string,
): Promise<void> {
  const path = 'ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin';
  cpSync(sources, join(work, 'source'), { recursive: true });
  writeFileSync(join(work, 'device-plugin'), '#!/bin/sh\nexec sleep infinity\n', { mode: 0o755 });
  const recipes: [string, string][] = [
    [images.toolkit, `FROM scratch\nADD toolkit.tar /\n${path}\n`],
    [images.runtime, `FROM scratch\nADD runtime.tar /\n${path}\n`],
    [images.source, 'FROM scratch\nCOPY source /\n'],
    [
      images.devicePlugin,
      `FROM scratch\nADD runtime.tar /\nCOPY device-plugin /usr/bin/device-plugin\n${path}\n`,
    ],
  ];
  const certs = join(work, 'certs');
  mkdirSync(certs, { recursive: true });
  cpSync(ca, join(certs, 'ca.crt'));
  const roots = [
    '--root',
    join(work, 'containers'),
    '--runroot',
    join(work, 'run'),
    '--storage-driver',
    'vfs',
  ];
  const access = ['--cert-dir', certs, '--creds', `${registry.username}:${registry.password}`];
  for (const [name, recipe] of recipes) {
    const reference = `${registry.address}/${name}`;
    const file = join(work, `Dockerfile.${name.replaceAll(/\W/g, '-')}`);
    writeFileSync(file, recipe);
    const build = [
      'bud',
      '-q',
      '--isolation',
      'chroot',
      '--timestamp',
      '0',
      '-t',
      reference,
      '-f',
      file,
      work,
    ];
    await runCommand('buildah', [...roots, ...build]);
    await runCommand('buildah', [...roots, 'push', '-q', ...access, reference]);
  }
}

/** Unpacks Debian packages and what they depend on into a tar, without running their install scripts. */
async function makeRootTar(target: string, packages: readonly string[]): Promise<void> {
  const include = ['dash', 'coreutils', 'findutils', 'kmod', ...packages].join(',');
  const args = ['--format=tar', '--variant=extract', '--mode=root', `--include=${include}`];
  for (const path of LEFT_OUT) args.push(`--dpkgopt=path-exclude=${path}`);
  await runCommand('mmdebstrap', [
    ...args,
    `--extract-hook=${FINISH}`,
    debianCodename(),
    target,
    ...aptSources(),
  ]);
}

/** What neither a module build nor a module loader reads; brings the toolkit from 330 to 185 MB. */
const LEFT_OUT = [
  ...['doc', 'man', 'info', 'locale', 'lintian', 'bash-completion'].map((name) => `/usr/share/${name}/*`),
  ...[
    'lto1',
    'lto-wrapper',
    'lto-dump*',
    'cc1plus',
    'gprof',
    '*-gprof',
    '*gcov*',
    '*-ld.gold',
    '*-dwp',
    '*gprofng*',
  ],
  ...['asan', 'tsan', 'lsan', 'ubsan', 'hwasan', 'itm', 'gomp', 'quadmath'].map((name) => `lib${name}*`),
  ...['libstdc++.a', 'libgcc_eh.a', 'libgcov.a'],
].map((path) => (path.startsWith('/') ? path : `*/${path}`));
LEFT_OUT.push('/usr/src/*/arch/[a-w]*', '/usr/src/*/include/dt-bindings', '/usr/lib/*/gconv/*');

/** Without install scripts nobody makes the links that alternatives would: awk, sh, gcc. */
const FINISH = [
  '[ ! -e "$1/usr/bin/mawk" ] || ln -sf mawk "$1/usr/bin/awk"',
  '[ -e "$1/bin/sh" ] || ln -s dash "$1/bin/sh"',
  'for gcc in "$1"/usr/bin/gcc-[0-9]*; do [ ! -e "$gcc" ] || ln -sf "$(basename "$gcc")" "$1/usr/bin/gcc"; done',
  'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/* "$1"/var/lib/dpkg/info',
  'mkdir -p "$1/tmp" "$1/proc" "$1/sys" "$1/dev"',
  'chroot "$1" /sbin/ldconfig || true',
].join('; ');

function debianCodename(): string {
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  if (!codename)
    throw new Error('/etc/os-release names no VERSION_CODENAME: the base images are made on Debian.');
  return codename;
}

/** The machine's own package sources, so that a mirror that is set up here is used there. */
function aptSources(): string[] {
  const candidates = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'];
  return candidates.filter((path) => existsSync(path)).slice(0, 1);
}

function sourceTexts(directory: string): string[] {
  const names = ['Makefile', 'kmm_demo_a.c', 'kmm_demo_b.c', 'firmware/kmm-demo.bin'];
  return names.map((name) => readFileSync(join(directory, name), 'utf8'));
}

function renameOrCopy(from: string, to: string): void {
  const partial = `${to}.${process.pid}`;
  cpSync(from, partial, { recursive: true });
  renameSync(partial, to);
}
