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
  /** The beginning of what it says of itself, with major and minor version. */
  readonly says: RegExp;
  /** @returns what is wrong with a version */
  readonly refusal: (version: Version, apiServer: Version | undefined) => string | undefined;
}

type Version = readonly [major: number, minor: number];

const KUBERNETES = /^Kubernetes v(\d+)\.(\d+)\S*/;
const isBefore = (a: Version, b: Version) => a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
const atLeast = (wanted: Version, why: string) => (version: Version) =>
  isBefore(version, wanted) ? `${wanted.join('.')} or newer is needed ${why}` : undefined;
/** Kubernetes wants them as new as kube-apiserver, or one minor version older. */
const beside = ([major, minor]: Version, apiServer: Version | undefined) => {
  if (!apiServer || (major === apiServer[0] && [minor, minor + 1].includes(apiServer[1]))) return undefined;
  return `beside kube-apiserver ${apiServer.join('.')} it must be ${apiServer.join('.')} or one minor version older`;
};

/** In the order in which they are looked at. */
const CHECKS: Readonly<Record<Part, VersionCheck>> = {
  etcd: {
    says: /^etcd Version: (\d+)\.(\d+)\S*/,
    refusal: atLeast([3, 5], 'for the progress that watch lists of kube-apiserver wait for'),
  },
  'kube-apiserver': { says: KUBERNETES, refusal: atLeast([1, 29], 'for the rules in our CRDs') },
  'kube-controller-manager': { says: KUBERNETES, refusal: beside },
  'kube-scheduler': { says: KUBERNETES, refusal: beside },
};
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
  const path = (part: Part) => join(folder, part);
  for (const part of ['etcd', 'kube-apiserver'] as const)
    if (!existsSync(path(part)))
      throw new Error(`KUBEBUILDER_ASSETS is ${folder}, and there is no ${part} in it.`);
  let apiServer: Version | undefined;
  for (const part of Object.keys(CHECKS) as Part[]) {
    if (!existsSync(path(part))) continue;
    const version = await checkVersion(path(part), part, apiServer);
    if (part === 'kube-apiserver') apiServer = version;
  }
  return (part) => (existsSync(path(part)) ? [path(part)] : undefined);
}

async function checkVersion(path: string, part: Part, apiServer: Version | undefined): Promise<Version> {
  const { says, refusal } = CHECKS[part];
  const text = (await runCommand(path, ['--version'])).trim();
  const [version, major, minor] = says.exec(text) ?? [];
  if (!version) throw new Error(`${path} is no ${part}: it says ${JSON.stringify(text.slice(0, 200))}.`);
  const found: Version = [Number(major), Number(minor)];
  const why = refusal(found, apiServer);
  if (why) throw new Error(`${path} is ${version}; ${why}.`);
  return found;
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
