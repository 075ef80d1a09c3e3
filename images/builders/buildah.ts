import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, isAppError } from '@kmm-fleet/runtime';
import { authFile } from '../registry/credentials.ts';
import { plainText } from '../registry/plain-text.ts';
import type { RegistryAccess } from '../registry/types.ts';
import { openBuildLog } from './build-log.ts';
import type { Builder, BuildRequest, BuildSecret } from './builder.ts';
import { withDiskLimit } from './disk-limit.ts';
import { runProgram } from './run-program.ts';

const MESSAGE_CHARS_MAX = 500;
const BYTES_MAX = 10 * 1024 ** 3;
const UNREACHABLE =
  /connection (refused|reset)|no such host|timeout|certificate|EOF|broken pipe|HTTP status: 5\d\d/i;

export interface BuildahOptions {
  /** Holds containers, temporary files and logs. Everything temporary in it is removed. */
  readonly directory: string;
  /** Extra certificate authorities of registries, PEM. */
  readonly ca?: string | undefined;
  readonly program?: string;
  /** How much the disk may grow during a build; 10 GiB when left out. */
  readonly bytesMax?: number | undefined;
  /** The command by which people read a log; `cat` when left out. */
  readonly readLog?: (file: string) => string;
}

/** What is known of the log of a failed build. */
interface Told {
  readonly log: string;
  readonly logCommand: string;
}

interface Workspace {
  readonly folder: string;
  readonly path: (...parts: readonly string[]) => string;
}

/**
 * buildah on this machine, with chroot isolation: needs root, no daemon and no container runtime. Arguments are
 * lists, never a shell's text; keys and secrets stand in files that only root reads, for as long as a build runs.
 */
export function createBuildah({
  directory,
  ca,
  program = 'buildah',
  bytesMax = BYTES_MAX,
  readLog = (file) => `cat ${file}`,
}: BuildahOptions): Builder {
  const storage = ['--root', join(directory, 'storage'), '--runroot', join(directory, 'run')];
  const logs = join(directory, 'logs');
  mkdirSync(logs, { recursive: true });
  // What a killed hub left behind is of no use to anybody.
  rmSync(join(directory, 'work'), { recursive: true, force: true });
  let cleaned: Promise<unknown> | undefined;
  let running = 0;
  /** A build that was ended has left its container, which may be as large as its limit allows. */
  let isDirty = false;

  return {
    async build(request, signal) {
      signal?.throwIfAborted();
      refuseOddNames(request.secrets);
      const file = logFile(logs, request);
      const log = openBuildLog(file, contentsOf(request.secrets));
      const told = (): Told => ({ log: log.tail(), logCommand: readLog(file) });
      const workspace = openWorkspace(directory);
      const run = async (args: readonly string[], signal?: AbortSignal) => {
        // Or a killed build leaves its temporary files where nobody looks for them.
        const env = { TMPDIR: workspace.path('tmp') };
        const code = await runProgram(program, [...storage, ...args], {
          write: log.write,
          env,
          signal,
        }).catch((error: unknown) => {
          throw withLog(error, told());
        });
        if (code !== 0) throw failure(args[0], code, told());
      };
      try {
        // Not with the signal: every later build relies on it.
        cleaned ??= run(['rm', '--all']).catch(() => {});
        await cleaned;
        running += 1;
        writeInputs(workspace, request, ca);
        const build = (limited: AbortSignal) =>
          run(buildArguments(request, workspace), limited).finally(() => {
            isDirty ||= limited.aborted;
          });
        await withDiskLimit({ folder: directory, bytesMax }, signal, build);
        try {
          await run(pushArguments(request, workspace), signal);
          const digest = readFileSync(workspace.path('digest'), 'utf8').trim();
          return { digest, log: log.tail() };
        } finally {
          // The registry has it; here it would fill the disk. The layers of its bases stay for the next build.
          await run(['rmi', request.target]).catch(() => {});
        }
      } finally {
        running -= 1;
        if (isDirty && running === 0) {
          isDirty = false;
          cleaned = run(['rm', '--all']).catch(() => {});
          await cleaned;
        }
        log.close();
        rmSync(workspace.folder, { recursive: true, force: true });
      }
    },
  };
}

function logFile(logs: string, { target }: BuildRequest): string {
  return join(logs, `${target.replaceAll(/[^\w.-]+/g, '_')}.log`);
}

function openWorkspace(directory: string): Workspace {
  mkdirSync(join(directory, 'work'), { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(directory, 'work', 'build-'));
  mkdirSync(join(folder, 'tmp'));
  return { folder, path: (...parts) => join(folder, ...parts) };
}

/** Names become paths and a mount's text. Kubernetes gives no others than these; a path in them would be an attack. */
function refuseOddNames(secrets: readonly BuildSecret[]): void {
  const names = secrets.flatMap(({ name, files }) => [name, ...Object.keys(files)]);
  const odd = names.find((name) => !/^[-._a-zA-Z0-9]+$/.test(name) || name === '.' || name === '..');
  if (odd !== undefined)
    throw new AppError('BUILD_FAILED', `A build secret or one of its keys is named "${plainText(odd)}".`);
}

const contentsOf = (secrets: readonly BuildSecret[]) => secrets.flatMap(({ files }) => Object.values(files));

function writeInputs({ path }: Workspace, request: BuildRequest, ca: string | undefined): void {
  for (const name of ['context', 'certs', 'secrets']) mkdirSync(path(name), { recursive: true });
  writeFileSync(path('Dockerfile'), request.dockerfile);
  writeFileSync(path('base-auth.json'), authFile(request.baseAccess.dockerConfig ?? '{}'), { mode: 0o600 });
  writeFileSync(path('target-auth.json'), authFile(request.targetAccess.dockerConfig ?? '{}'), {
    mode: 0o600,
  });
  if (ca) writeFileSync(path('certs', 'ca.crt'), ca);
  for (const secret of request.secrets) writeSecret(path('secrets', secret.name), secret);
}

function writeSecret(folder: string, { files }: BuildSecret): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [name, bytes] of Object.entries(files))
    writeFileSync(join(folder, name), bytes, { mode: 0o600 });
}

function buildArguments(request: BuildRequest, { path }: Workspace): string[] {
  const pairs = (flag: string, values: Readonly<Record<string, string>>) =>
    Object.entries(values).flatMap(([name, value]) => [flag, `${name}=${value}`]);
  return [
    'bud',
    '--isolation=chroot',
    // A tag that moved is pulled anew; layers that are there are not.
    '--pull=true',
    // Equal inputs give equal images, whenever they are built.
    '--timestamp=0',
    `--authfile=${path('base-auth.json')}`,
    ...access(request.baseAccess, path('certs')),
    ...pairs('--build-arg', request.buildArgs),
    ...pairs('--label', request.labels),
    ...request.secrets.flatMap(({ name }) => [
      '--volume',
      `${path('secrets', name)}:/run/secrets/${name}:ro`,
    ]),
    `--tag=${request.target}`,
    `--file=${path('Dockerfile')}`,
    path('context'),
  ];
}

function pushArguments({ target, targetAccess }: BuildRequest, { path }: Workspace): string[] {
  return [
    'push',
    `--authfile=${path('target-auth.json')}`,
    `--digestfile=${path('digest')}`,
    ...access(targetAccess, path('certs')),
    target,
  ];
}

function access({ insecure, insecureSkipTLSVerify }: RegistryAccess, certs: string): string[] {
  return insecure || insecureSkipTLSVerify ? ['--tls-verify=false'] : [`--cert-dir=${certs}`];
}

/** Whoever ended a build because of a limit is told how far it had come. */
const withLog = (error: unknown, cause: Told): unknown =>
  isLimit(error) ? new AppError(error.code, error.message, { cause }) : error;

const isLimit = (error: unknown): error is AppError =>
  isAppError(error) && (error.code === 'BUILD_TIMED_OUT' || error.code === 'BUILD_TOO_LARGE');

/** buildah exits with 125 for trouble with registries and storage, and with the step's own code for a build. */
function failure(command: string | undefined, code: number | undefined, cause: Told): AppError {
  const last = cause.log.trimEnd().split('\n').at(-1) ?? '';
  const text = plainText(last, MESSAGE_CHARS_MAX);
  // A step may say anything about files; it speaks of a registry only when it pulls.
  const isRegistry =
    code === 125 && (!last.includes('building at STEP') || /docker:\/\/|registry /.test(last));
  if (isRegistry && /unauthorized|authentication required|denied/i.test(last))
    return new AppError('REGISTRY_UNAUTHORIZED', text, { cause });
  if (isRegistry && /toomanyrequests|429/i.test(last))
    return new AppError('REGISTRY_THROTTLED', text, { cause });
  // What was built is not to blame for what its push meets.
  if (command === 'push' || (isRegistry && UNREACHABLE.test(last)))
    return new AppError('REGISTRY_UNREACHABLE', text, { cause });
  return new AppError('BUILD_FAILED', `The build failed: ${text}`, { cause });
}
