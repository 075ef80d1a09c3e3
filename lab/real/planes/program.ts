import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheDir } from '../cache-dir.ts';
import { runCommand } from '../command.ts';

export type Part = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler';

/** How a part of a control plane is started: program and first arguments; undefined where it is not to be had. */
export type Programs = (part: Part) => readonly [string, ...string[]] | undefined;

const TOOLS = fileURLToPath(new URL('./tools/', import.meta.url));
const GO_MIN = [1, 26] as const;
const COMPONENT = 'k8s.io/component-base/version';

/**
 * The programs of a real control plane: those in `KUBEBUILDER_ASSETS` where that is set, or one program built from
 * `tools/` with Go, once per version, into the cache.
 *
 * @throws {Error} that says what to install
 */
export async function planePrograms(progress: (line: string) => void): Promise<Programs> {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets) return assetPrograms(assets);
  const program = await builtProgram(progress);
  return (part) => [program, part];
}

function assetPrograms(folder: string): Programs {
  for (const part of ['etcd', 'kube-apiserver'])
    if (!existsSync(join(folder, part)))
      throw new Error(`KUBEBUILDER_ASSETS is ${folder}, and there is no ${part} in it.`);
  return (part) => (existsSync(join(folder, part)) ? [join(folder, part)] : undefined);
}

async function builtProgram(progress: (line: string) => void): Promise<string> {
  const goVersion = await readGoVersion();
  const hash = createHash('sha256').update(goVersion);
  for (const file of ['go.mod', 'go.sum', 'main.go']) hash.update(readFileSync(join(TOOLS, file)));
  const folder = cacheDir('planes');
  const program = join(folder, `planes-${hash.digest('hex').slice(0, 12)}`);
  if (existsSync(program)) return program;
  progress('building etcd and Kubernetes from their Go modules: 3 to 10 minutes, once');
  const work = mkdtempSync(join(folder, '.build-'));
  try {
    const version = /k8s\.io\/kubernetes v(\S+)/.exec(readFileSync(join(TOOLS, 'go.mod'), 'utf8'))?.[1] ?? '';
    await runCommand(
      'go',
      ['build', '-trimpath', '-ldflags', linkerFlags(version), '-o', join(work, 'planes'), '.'],
      {
        cwd: TOOLS,
        onLine: progress,
      },
    );
    renameSync(join(work, 'planes'), program);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return program;
}

/** Without these the server calls itself v0.0.0-master. */
function linkerFlags(version: string): string {
  const [major, minor] = version.split('.');
  const values = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor };
  return [
    '-s',
    '-w',
    ...Object.entries(values).map(([name, value]) => `-X ${COMPONENT}.${name}=${value}`),
  ].join(' ');
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
