import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../command.ts';
import { buildGo } from './build-go.ts';

export type Part = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler';

/** Who starts control planes: `real` is processes of ours. */
export type PlaneProvider = 'real' | 'kind';

/** How a part of a control plane is started: program and first arguments; undefined where it is not to be had. */
export type Programs = (part: Part) => readonly [string, ...string[]] | undefined;

const SOURCES = fileURLToPath(new URL('./kubernetes/', import.meta.url));

interface VersionCheck {
  readonly part: Part;
  /** The beginning of what it says of itself, with major and minor version. */
  readonly says: RegExp;
  readonly wanted: readonly [number, number];
  readonly why: string;
}

const CHECKS: readonly VersionCheck[] = [
  {
    part: 'etcd',
    says: /^etcd Version: (\d+)\.(\d+)\S*/,
    wanted: [3, 5],
    why: 'for the progress that watch lists of kube-apiserver wait for',
  },
  {
    part: 'kube-apiserver',
    says: /^Kubernetes v(\d+)\.(\d+)\S*/,
    wanted: [1, 29],
    why: 'for the rules in our CRDs',
  },
];
const COMPONENT = 'k8s.io/component-base/version';

/** @throws {Error} when `KMM_PLANES` is neither */
export function planeProvider(wanted = process.env['KMM_PLANES'] || 'real'): PlaneProvider {
  if (wanted === 'real' || wanted === 'kind') return wanted;
  throw new Error(`KMM_PLANES is ${JSON.stringify(wanted)}; it can be real or kind.`);
}

/**
 * The programs of a real control plane: those in `KUBEBUILDER_ASSETS` where that is set, or one program built from
 * `kubernetes/` with Go, once per version, into the cache. Clusters of kind bring their own.
 *
 * @throws {Error} that says what to install
 */
export async function planePrograms(progress: (line: string) => void): Promise<Programs> {
  if (planeProvider() === 'kind') return () => undefined;
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets) return assetPrograms(assets);
  const program = await builtProgram(progress);
  return (part) => [program, part];
}

async function assetPrograms(folder: string): Promise<Programs> {
  for (const part of ['etcd', 'kube-apiserver'])
    if (!existsSync(join(folder, part)))
      throw new Error(`KUBEBUILDER_ASSETS is ${folder}, and there is no ${part} in it.`);
  for (const check of CHECKS) await checkVersion(folder, check);
  return (part) => (existsSync(join(folder, part)) ? [join(folder, part)] : undefined);
}

async function checkVersion(folder: string, { part, says, wanted, why }: VersionCheck): Promise<void> {
  const path = join(folder, part);
  const text = (await runCommand(path, ['--version'])).trim();
  const [version, major, minor] = says.exec(text) ?? [];
  if (!version) throw new Error(`${path} is no ${part}: it says ${JSON.stringify(text.slice(0, 200))}.`);
  const isOld = Number(major) < wanted[0] || (Number(major) === wanted[0] && Number(minor) < wanted[1]);
  if (isOld) throw new Error(`${path} is ${version}; ${wanted.join('.')} or newer is needed ${why}.`);
}

function builtProgram(progress: (line: string) => void): Promise<string> {
  const program = { name: 'planes', what: 'etcd and Kubernetes', folder: SOURCES };
  return buildGo({ ...program, linkerFlags: kubernetesFlags(SOURCES) }, progress);
}

/** What tells a program of Kubernetes its version, that of its module; without it, it calls itself v0.0.0-master. */
export function kubernetesFlags(sources: string): string {
  // Modules that are published apart, such as that of kubectl, are v0 where Kubernetes is v1.
  const module = /k8s\.io\/(?:kubernetes v1|kubectl v0)\.(\S+)/;
  const version = `1.${module.exec(readFileSync(join(sources, 'go.mod'), 'utf8'))?.[1]}`;
  const [major, minor] = version.split('.');
  const values = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor };
  return Object.entries(values)
    .map(([name, value]) => `-X ${COMPONENT}.${name}=${value}`)
    .join(' ');
}
