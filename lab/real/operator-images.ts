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
import { createOven } from './bake-image.ts';
import { cacheDir } from './cache-dir.ts';
import { runCommand } from './command.ts';
import { debianCodename, makeRootTar, PACKAGE_LIST, SHELL } from './root-tar.ts';
import { type Component, cycloneDx, debianComponents, packageFolders } from './sbom.ts';

type Progress = (line: string) => void;

interface Recipe {
  /** Debian packages below Node. */
  readonly packages: readonly string[];
  /** Patterns of paths of those packages that nothing here uses. */
  readonly leftOut?: readonly string[];
  readonly entrypoint: readonly string[];
  /** Extra lines of the Dockerfile. */
  readonly lines?: readonly string[];
}

const NODE = ['libc6', 'libgcc-s1', 'libstdc++6', 'libatomic1'];
/** Of what can stand for `usrmerge`, which something depends on, the one without Perl. */
const BUILDS = {
  packages: [...NODE, 'buildah', 'ca-certificates', 'netbase', 'usr-is-merged'],
  // Builds have the network of their pod.
  leftOut: ['/usr/lib/cni/*'],
};
const PROGRAMS = '/opt/kmm';
/** Flags of Node: what is left behind is collected for size. A hub lives fast: twice the young generation, in MiB. */
const saving = (youngMiB: number) => [`--max-semi-space-size=${youngMiB}`, '--optimize-for-size'] as const;
export const NODE_FLAGS = {
  hub: saving(4),
  // It does so little that machine code, and the compilers that make it, cost a tenth of its memory and save it
  // nothing. Without them no page of it can be both written and run.
  spoke: [...saving(2), '--jitless'],
  cluster: saving(2),
} as const;
/**
 * Of glibc: it has an arena for each thread, and one large piece that is freed raises the size up to which it keeps what
 * is freed. Here there is one arena, and what is larger than this goes back at once.
 */
export const MALLOC = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '65536' } as const;
const run = (edition: keyof typeof NODE_FLAGS) => [
  '/usr/bin/node',
  ...NODE_FLAGS[edition],
  `${PROGRAMS}/${edition === 'hub' ? 'hub' : 'spoke'}.js`,
];

/** Images that people install: one for each edition, and one for `oc adm must-gather`. */
const RECIPES = {
  'kmm-spoke': { packages: NODE, entrypoint: run('spoke'), lines: ['USER 65532:65532'] },
  'kmm-hub': { ...BUILDS, entrypoint: run('hub') },
  'kmm-cluster': { ...BUILDS, entrypoint: run('cluster') },
  'kmm-must-gather': {
    // What oc runs in it beside the gather: a watch over the disk, and the copy.
    packages: [...NODE, ...SHELL, 'bash', 'grep', 'mawk', 'procps', 'rsync', 'sed', 'tar'],
    entrypoint: ['/usr/bin/gather'],
    lines: ['COPY gather kmm /usr/bin/', 'ENV OUTPUT_DIR=/must-gather'],
  },
} as const satisfies Record<string, Recipe>;

export type OperatorImageName = keyof typeof RECIPES;
export const OPERATOR_IMAGES = Object.keys(RECIPES) as OperatorImageName[];

/** Images in a local store, ready to go where they are needed. */
export interface OperatorImages {
  /** @param target as buildah names one: `docker://registry/name:tag`, `oci-archive:file`. @returns its digest there */
  push(name: OperatorImageName, target: string, options?: readonly string[]): Promise<string>;
  /** OCI archive, kept, of the layers below our programs: they stay the same for long. @returns its path */
  base(name: OperatorImageName): Promise<string>;
  /** Digest of the image's configuration: equal sources give equal ones. */
  id(name: OperatorImageName): Promise<string>;
  /** What is in it, as CycloneDX. */
  billOfMaterials(name: OperatorImageName, version: string): Promise<string>;
}

/**
 * Makes images of this checkout: its programs, bundled, on Node and Debian's packages. Needs root, for buildah.
 *
 * @param folder keeps what can be used again
 */
export async function makeOperatorImages(
  checkout: string,
  names: readonly OperatorImageName[],
  progress: Progress,
  folder = cacheDir('operator-images'),
): Promise<OperatorImages> {
  const work = mkdtempSync(join(tmpdir(), 'kmm-images-'));
  const oven = createOven(work, folder);
  const libraries: Component[] = [];
  try {
    const node = (await runCommand(join(checkout, 'scripts/find-node'), ['--pinned'])).trim();
    libraries.push(...(await bundlePrograms(checkout, join(work, 'programs'))));
    libraries.push({ type: 'npm', name: 'node', version: await versionOf(join(node, 'node')) });
    cpSync(join(node, 'node'), join(work, 'node'));
    writeFileSync(join(work, 'passwd'), PASSWD);
    writeFileSync(join(work, 'gather'), GATHER, { mode: 0o755 });
    writeFileSync(join(work, 'kmm'), KMM, { mode: 0o755 });
    for (const name of names) {
      progress(`making ${name}`);
      const recipe: Recipe = RECIPES[name];
      cpSync(await rootTar(folder, recipe, progress), join(work, 'root.tar'));
      await oven.bake(baseTag(name), BASE);
      await oven.bake(localTag(name), dockerfile(recipe));
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return {
    push: (name, target, options = []) => oven.push(localTag(name), options, target),
    async base(name) {
      const id = await oven.id(baseTag(name));
      const archive = join(folder, `base-${id.replace('sha256:', '').slice(0, 12)}.tar`);
      if (existsSync(archive)) return archive;
      const partial = `${archive}.${process.pid}`;
      await oven.push(baseTag(name), ['--disable-compression'], `oci-archive:${partial}:${baseTag(name)}`);
      renameSync(partial, archive);
      return archive;
    },
    id: (name) => oven.id(localTag(name)),
    async billOfMaterials(name, version) {
      const tar = await rootTar(folder, RECIPES[name], progress);
      const lists = ['--wildcards', `./${PACKAGE_LIST}/*`];
      const control = await runCommand('tar', ['--extract', '--to-stdout', '--file', tar, ...lists]);
      return cycloneDx(name, version, [...libraries, ...debianComponents(control)]);
    },
  };
}

const localTag = (name: OperatorImageName) => `localhost/${name}:latest`;
const baseTag = (name: OperatorImageName) => `localhost/${name}-base:latest`;

/** No install script made it, and buildah wants to know who it is. */
const PASSWD = 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65532:65532:nobody:/:/bin/false\n';
const KMM = `#!/bin/sh\nexec /usr/bin/node ${PROGRAMS}/kmm.js "$@"\n`;
const GATHER = `#!/bin/sh\nexec /usr/bin/node ${PROGRAMS}/kmm.js gather "$@"\n`;

const BASE = 'FROM scratch\nADD root.tar /\nCOPY node /usr/bin/node\nCOPY passwd /etc/passwd\n';

function dockerfile({ entrypoint, lines = [] }: Recipe): string {
  return [
    BASE.trimEnd(),
    `COPY programs ${PROGRAMS}`,
    'ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin NODE_ENV=production',
    `ENV ${Object.entries(MALLOC)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ')}`,
    ...lines,
    `ENTRYPOINT ${JSON.stringify(entrypoint)}`,
    '',
  ].join('\n');
}

const versionOf = async (node: string) => (await runCommand(node, ['--version'])).trim().replace(/^v/, '');

/**
 * Hub, spoke and `kmm` with everything that they import; what only a stand-alone operator loads stays apart.
 *
 * @returns the npm packages that are in them
 */
export async function bundlePrograms(checkout: string, target: string): Promise<Component[]> {
  // Only here: the lab of the bundled kmm does without.
  const { build } = await import('esbuild');
  const main = (room: string) => join(checkout, room, 'main.ts');
  const { metafile } = await build({
    entryPoints: { hub: main('hub'), spoke: main('spoke'), kmm: main('cli') },
    outdir: target,
    bundle: true,
    splitting: true,
    external: ['esbuild'],
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // V8 keeps the text: without comments it is a third less, and no letter beyond Latin-1 makes each take two bytes.
    // Names stay, and lines of a length that stack traces can point at.
    minifyWhitespace: true,
    lineLimit: 120,
    // Some packages are CommonJS and ask for Node's own modules.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    legalComments: 'linked',
    logLevel: 'warning',
    metafile: true,
    absWorkingDir: checkout,
  });
  writeFileSync(join(target, 'package.json'), '{ "type": "module" }\n');
  return packageFolders(Object.keys(metafile.inputs)).map((path) => {
    const { name, version, license } = JSON.parse(readFileSync(join(checkout, path, 'package.json'), 'utf8'));
    return { type: 'npm', name, version, license };
  });
}

/** Root file system of these packages, once per machine and release of Debian. */
async function rootTar(
  folder: string,
  { packages, leftOut = [] }: Recipe,
  progress: Progress,
): Promise<string> {
  const key = createHash('sha256')
    .update(JSON.stringify([debianCodename(), packages, leftOut, PACKAGE_LIST]))
    .digest('hex');
  const target = join(folder, `root-${key.slice(0, 12)}.tar`);
  if (existsSync(target)) return target;
  progress(`unpacking ${packages.join(', ')} (once)`);
  mkdirSync(folder, { recursive: true });
  const partial = `${target}.${process.pid}.tar`;
  await makeRootTar(partial, packages, leftOut);
  renameSync(partial, target);
  return target;
}
