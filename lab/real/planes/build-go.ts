import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir } from '../cache-dir.ts';
import { runCommand } from '../command.ts';

const GO_MIN = [1, 26] as const;
/** No build takes as long, so a folder of that age is of one that was killed. */
const BUILD_MS_MAX = 2 * 3_600_000;

export interface GoProgram {
  readonly name: string;
  /** For people who wait. */
  readonly what: string;
  /** With go.mod and go.sum, and with main.go where no package is named. */
  readonly folder: string;
  /** The main package of a module that go.mod requires, as it is. */
  readonly tool?: string;
  readonly linkerFlags?: string;
}

/**
 * Builds a Go program once per version of its sources and of Go, and keeps it in the cache.
 *
 * @throws {Error} that says what to install, or what the compiler said
 */
export async function buildGo(program: GoProgram, progress: (line: string) => void): Promise<string> {
  const { name, what, folder, tool = '.', linkerFlags = '' } = program;
  const hash = createHash('sha256').update(await readGoVersion());
  for (const file of readdirSync(folder).sort()) hash.update(readFileSync(join(folder, file)));
  const target = join(cacheDir('planes'), `${name}-${hash.digest('hex').slice(0, 12)}`);
  if (existsSync(target)) return target;
  clearKilledBuilds(cacheDir('planes'));
  progress(`building ${what} from Go modules: 3 to 10 minutes, once`);
  const work = mkdtempSync(join(cacheDir('planes'), '.build-'));
  try {
    const flags = ['-trimpath', '-ldflags', `-s -w ${linkerFlags}`];
    await runCommand('go', ['build', ...flags, '-o', join(work, name), tool], {
      cwd: folder,
      onLine: progress,
    });
    renameSync(join(work, name), target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return target;
}

/** Where the files of a module are that the go.mod in `folder` requires. */
export async function goModuleFolder(folder: string, module: string): Promise<string> {
  return (await runCommand('go', ['list', '-m', '-f', '{{.Dir}}', module], { cwd: folder })).trim();
}

function clearKilledBuilds(folder: string): void {
  const unfinished = readdirSync(folder).filter((name) => name.startsWith('.build-'));
  for (const path of unfinished.map((name) => join(folder, name))) {
    const since = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - since > BUILD_MS_MAX) rmSync(path, { recursive: true, force: true });
  }
}

async function readGoVersion(): Promise<string> {
  const wanted = `Go ${GO_MIN.join('.')} or newer, or set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver`;
  const text = await runCommand('go', ['version']).catch(() => {
    throw new Error(`No Go tool chain was found. Install ${wanted}.`);
  });
  const [, major = 0, minor = 0] = /go(\d+)\.(\d+)/.exec(text) ?? [];
  const isOld = Number(major) < GO_MIN[0] || (Number(major) === GO_MIN[0] && Number(minor) < GO_MIN[1]);
  if (isOld) throw new Error(`${text.trim()} is too old. Install ${wanted}.`);
  return text;
}
