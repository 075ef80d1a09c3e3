import { spawn } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { AppError } from '@kmm-fleet/runtime';
import type { RegistryAccess } from '../registry/types.ts';
import { type Builder, type BuildRequest, type BuildSecret, LOG_CHARS_MAX } from './builder.ts';

export interface BuildahOptions {
  /** Holds containers, temporary files and logs. Everything temporary in it is removed. */
  readonly directory: string;
  /** Extra certificate authorities of registries, PEM. */
  readonly ca?: string | undefined;
  readonly program?: string;
}

/** What the API server lets through as names and data keys. */
const FILE_NAME = /^(?!\.{1,2}$)[-._a-zA-Z0-9]{1,253}$/;
const LOG_NAME_CHARS_MAX = 200;
/** A build that prints without end must not fill the disk; what is said last is what counts. */
const LOG_BYTES_MAX = 4 * 1024 * 1024;

interface Workspace {
  readonly folder: string;
  readonly path: (...parts: readonly string[]) => string;
  readonly log: string;
}

/**
 * buildah on this machine, with chroot isolation: needs root, no daemon and no container runtime. Arguments are
 * lists, never a shell's text; keys and secrets stand in files that only root reads, for as long as a build runs.
 */
export function createBuildah({ directory, ca, program = 'buildah' }: BuildahOptions): Builder {
  const storage = ['--root', join(directory, 'storage'), '--runroot', join(directory, 'run')];
  const logs = join(directory, 'logs');
  mkdirSync(logs, { recursive: true });
  // What a killed hub left behind is of no use to anybody.
  rmSync(join(directory, 'work'), { recursive: true, force: true });
  let cleaned: Promise<unknown> | undefined;

  return {
    async build(request, signal) {
      signal?.throwIfAborted();
      const workspace = openWorkspace(directory, logs, request);
      const run = (args: readonly string[]) => execute(program, [...storage, ...args], workspace, signal);
      try {
        cleaned ??= run(['rm', '--all']).catch(() => {});
        await cleaned;
        writeInputs(workspace, request, ca);
        await run(buildArguments(request, workspace));
        await run(pushArguments(request, workspace));
        const digest = readFileSync(workspace.path('digest'), 'utf8').trim();
        // It is in the registry now; what it was built from stays for the next build.
        await run(['rmi', '--force', request.target]).catch(() => {});
        return { digest, log: tail(workspace) };
      } finally {
        rmSync(workspace.folder, { recursive: true, force: true });
      }
    },
  };
}

function openWorkspace(directory: string, logs: string, { target }: BuildRequest): Workspace {
  mkdirSync(join(directory, 'work'), { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(directory, 'work', 'build-'));
  const path = (...parts: readonly string[]) => join(folder, ...parts);
  const log = join(logs, `${target.replaceAll(/[^\w.-]+/g, '_').slice(-LOG_NAME_CHARS_MAX)}.log`);
  writeFileSync(log, '');
  return { folder, path, log };
}

function writeInputs({ path }: Workspace, request: BuildRequest, ca: string | undefined): void {
  for (const name of ['context', 'certs', 'secrets']) mkdirSync(path(name), { recursive: true });
  writeFileSync(path('Dockerfile'), request.dockerfile);
  writeFileSync(path('base-auth.json'), request.baseAccess.dockerConfig ?? '{}', { mode: 0o600 });
  writeFileSync(path('target-auth.json'), request.targetAccess.dockerConfig ?? '{}', { mode: 0o600 });
  if (ca) writeFileSync(path('certs', 'ca.crt'), ca);
  for (const secret of request.secrets) writeSecret(path('secrets', secret.name), secret);
}

function writeSecret(folder: string, { name, files }: BuildSecret): void {
  for (const file of [name, ...Object.keys(files)])
    if (!FILE_NAME.test(file))
      throw new AppError('BUILD_FAILED', `Secret ${name} has "${file}", which is no file name.`);
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

function execute(
  program: string,
  args: readonly string[],
  workspace: Workspace,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // A group of its own, so that an abort ends the compilers too.
    const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const write = (bytes: Buffer) => append(workspace.log, bytes);
    const abort = () => child.pid && process.kill(-child.pid, 'SIGKILL');
    signal?.addEventListener('abort', abort, { once: true });
    child.stdout.on('data', write);
    child.stderr.on('data', write);
    let wasStarted = true;
    child.on('error', (error) => {
      wasStarted = false;
      const message = `${program} cannot be started: ${error.message}`;
      reject(new AppError('BUILDER_MISSING', message, { cause: error }));
    });
    child.on('close', (code) => {
      signal?.removeEventListener('abort', abort);
      if (code === 0) resolve();
      else if (wasStarted) reject(failure(code, tail(workspace)));
    });
  });
}

/** Appends to a log; one that has grown too long starts again with its last lines. */
function append(log: string, bytes: Buffer): void {
  if (statSync(log).size + bytes.byteLength > LOG_BYTES_MAX) writeFileSync(log, tailOf(log));
  appendFileSync(log, bytes);
}

/** buildah exits with 125 for trouble with registries and storage, and with the step's own code for a build. */
function failure(code: number | null, log: string): AppError {
  const last = log.trimEnd().split('\n').at(-1) ?? '';
  const cause = { log };
  if (code === 125 && /unauthorized|authentication required|denied/i.test(last)) {
    return new AppError('REGISTRY_UNAUTHORIZED', last, { cause });
  }
  if (code === 125 && /connection refused|no such host|timeout|certificate|EOF/i.test(last)) {
    return new AppError('REGISTRY_UNREACHABLE', last, { cause });
  }
  return new AppError('BUILD_FAILED', `The build failed: ${last}`, { cause });
}

const tail = ({ log }: Workspace) => tailOf(log);
const tailOf = (log: string) => readFileSync(log, 'utf8').slice(-LOG_CHARS_MAX);
