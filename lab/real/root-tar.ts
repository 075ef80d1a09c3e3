import { existsSync, readFileSync } from 'node:fs';
import { runCommand } from './command.ts';

/** What loaders and builds count on. */
export const SHELL = ['dash', 'coreutils', 'findutils', 'kmod'] as const;

/**
 * Unpacks Debian packages and what they depend on into a tar, without running their install scripts.
 *
 * @param leftOut patterns of paths that nobody needs here
 */
export async function makeRootTar(
  target: string,
  packages: readonly string[],
  leftOut: readonly string[] = [],
): Promise<void> {
  const include = packages.join(',');
  const args = ['--format=tar', '--variant=extract', '--mode=root', `--include=${include}`];
  for (const path of [...LEFT_OUT, ...leftOut]) args.push(`--dpkgopt=path-exclude=${path}`);
  await runCommand('mmdebstrap', [
    ...args,
    `--extract-hook=${FINISH}`,
    debianCodename(),
    target,
    ...aptSources(),
  ]);
}

/** What neither a module build nor a module loader reads; brings the toolkit from 330 to 160 MB. */
const LEFT_OUT = [
  ...['doc', 'man', 'info', 'locale', 'lintian', 'bash-completion'].map((name) => `/usr/share/${name}/*`),
  ...[
    'lto1',
    'lto-wrapper',
    '*lto-dump*',
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
LEFT_OUT.push('/usr/src/*/arch/[a-w]*', '/usr/src/*/include/dt-bindings/*', '/usr/lib/*/gconv/*');
// An empty file for each option of a kernel, whose times tell Kbuild what to compile again: half of all files.
LEFT_OUT.push('/usr/src/*/include/config/[A-Z0-9]*');

/** Where scanners look for what is installed when no dpkg is; one control file per package. */
export const PACKAGE_LIST = 'var/lib/dpkg/status.d';

/** Without install scripts nobody makes the links that alternatives would: awk, sh, gcc. */
const FINISH = [
  `mkdir -p "$1/${PACKAGE_LIST}"`,
  `for deb in "$1"/var/cache/apt/archives/*.deb; do dpkg-deb -f "$deb" >"$1/${PACKAGE_LIST}/$(dpkg-deb -f "$deb" Package)"; done`,
  '[ ! -e "$1/usr/bin/mawk" ] || ln -sf mawk "$1/usr/bin/awk"',
  '[ -e "$1/bin/sh" ] || [ ! -e "$1/bin/dash" ] || ln -s dash "$1/bin/sh"',
  'for gcc in "$1"/usr/bin/gcc-[0-9]*; do [ ! -e "$gcc" ] || ln -sf "$(basename "$gcc")" "$1/usr/bin/gcc"; done',
  'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/* "$1"/var/lib/dpkg/info',
  'mkdir -p "$1/tmp" "$1/proc" "$1/sys" "$1/dev"',
  'chroot "$1" /sbin/ldconfig || true',
  // Times and inodes: no two runs have the same.
  'rm -rf "$1"/var/cache/ldconfig "$1"/var/log/*',
].join('; ');

/** Of the machine's own release. */
export function debianCodename(): string {
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
