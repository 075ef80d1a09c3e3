import type { RegistryAccess } from '../registry/types.ts';
import type { BuildRequest } from './builder.ts';

/** Where buildah finds the inputs of one build, and leaves the digest of what it pushed. */
export interface BuildFiles {
  readonly dockerfile: string;
  /** An empty folder: a Dockerfile that copies from its context has nothing to copy. */
  readonly context: string;
  readonly baseAuth: string;
  readonly targetAuth: string;
  /** Folder with extra certificate authorities; undefined: there are none. */
  readonly certs: string | undefined;
  secret(name: string): string;
  readonly digest: string;
}

/** Builds the image into the local storage. */
export function buildArguments(request: BuildRequest, files: BuildFiles): string[] {
  const pairs = (flag: string, values: Readonly<Record<string, string>>) =>
    Object.entries(values).flatMap(([name, value]) => [flag, `${name}=${value}`]);
  return [
    'bud',
    '--isolation=chroot',
    // A tag that moved is pulled anew; layers that are there are not.
    '--pull=true',
    // Equal inputs give equal images, whenever they are built.
    '--timestamp=0',
    `--authfile=${files.baseAuth}`,
    ...access(request.baseAccess, files),
    ...pairs('--build-arg', request.buildArgs),
    ...pairs('--label', request.labels),
    ...request.secrets.flatMap(({ name }) => ['--volume', `${files.secret(name)}:/run/secrets/${name}:ro`]),
    `--tag=${request.target}`,
    `--file=${files.dockerfile}`,
    files.context,
  ];
}

/** Pushes it from there. */
export function pushArguments({ target, targetAccess }: BuildRequest, files: BuildFiles): string[] {
  return [
    'push',
    `--authfile=${files.targetAuth}`,
    `--digestfile=${files.digest}`,
    ...access(targetAccess, files),
    target,
  ];
}

function access({ insecure, insecureSkipTLSVerify }: RegistryAccess, { certs }: BuildFiles): string[] {
  if (insecure || insecureSkipTLSVerify) return ['--tls-verify=false'];
  return certs === undefined ? [] : [`--cert-dir=${certs}`];
}
