import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { authFile } from '../registry/credentials.ts';
import { buildFailure, withLog } from './build-failure.ts';
import { type BuildLog, logCommandOf, openBuildLog, prepareLogFolder } from './build-log.ts';
import { refuseOddNames } from './build-secrets.ts';
import { type BuildFiles, buildArguments, pushArguments } from './buildah-command.ts';
import type { Builder, BuildRequest, BuildResult, BuildSecret, BuildTimer } from './builder.ts';
import { createFullDiskEar, diskFailure, diskFull } from './disk-full.ts';
import { createDiskGuard } from './disk-limit.ts';
import { runProgram } from './run-program.ts';

const BYTES_MAX = 10 * 1024 ** 3;
const QUIET = { write: () => {}, env: {}, signal: undefined };

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

interface Workspace {
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
  // What a killed hub left behind is of no use to anybody.
  rmSync(join(directory, 'work'), { recursive: true, force: true });
  prepareLogFolder(logs);
  let cleaned: Promise<unknown> | undefined;
  let running = 0;
  /** A build that was ended has left its container, which may be as large as its limit allows. */
  let isDirty = false;
  const clear = () => runProgram(program, [...storage, 'rm', '--all'], QUIET).catch(() => {});
  const withDiskLimit = createDiskGuard({ folder: directory, bytesMax }, clear);

  const buildIn = async (
    workspace: Workspace,
    log: BuildLog,
    request: BuildRequest,
    signal: AbortSignal | undefined,
    timer: BuildTimer | undefined,
  ): Promise<BuildResult> => {
    // Or a killed build leaves its temporary files where nobody looks for them.
    const env = { TMPDIR: workspace.path('tmp') };
    const run = async (args: readonly string[], until?: AbortSignal) => {
      const isDiskFull = createFullDiskEar(directory);
      let ranFull = false;
      const write = (bytes: Uint8Array) => {
        log.write(bytes);
        ranFull = isDiskFull(bytes);
      };
      const ended = runProgram(program, [...storage, ...args], { write, env, signal: until });
      const code = await ended.catch((error: unknown) => {
        throw withLog(error, log.told());
      });
      if (code === 0) return;
      isDirty ||= ranFull;
      throw ranFull ? diskFull(directory, log.told()) : buildFailure(args[0], code, log.told());
    };
    try {
      // Not with the signal: every later build relies on it.
      cleaned ??= run(['rm', '--all']).catch(() => {});
      await cleaned;
      running += 1;
      writeInputs(workspace, request, ca);
      const build = (limited: AbortSignal) =>
        run(buildArguments(request, filesOf(workspace)), limited).finally(() => {
          isDirty ||= limited.aborted;
        });
      await withDiskLimit(signal, build, timer);
      try {
        await run(pushArguments(request, filesOf(workspace)), signal);
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
    }
  };

  return {
    logCommand: (target) => logCommandOf({ directory: logs, readLog }, target),
    async build(request, signal, timer) {
      signal?.throwIfAborted();
      refuseOddNames(request.secrets);
      const log = openBuildLog({ directory: logs, readLog }, request);
      try {
        return await withWorkspace(directory, (workspace) => buildIn(workspace, log, request, signal, timer));
      } catch (error) {
        throw diskFailure(error, directory);
      } finally {
        log.close();
      }
    },
  };
}

async function withWorkspace<T>(directory: string, task: (workspace: Workspace) => Promise<T>): Promise<T> {
  mkdirSync(join(directory, 'work'), { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(directory, 'work', 'build-'));
  const path = (...parts: readonly string[]) => join(folder, ...parts);
  try {
    mkdirSync(path('tmp'));
    return await task({ path });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const filesOf = ({ path }: Workspace): BuildFiles => ({
  dockerfile: path('Dockerfile'),
  context: path('context'),
  baseAuth: path('base-auth.json'),
  targetAuth: path('target-auth.json'),
  certs: path('certs'),
  secret: (name) => path('secrets', name),
  digest: path('digest'),
});

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
