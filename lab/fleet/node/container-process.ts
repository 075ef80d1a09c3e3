import type { PulledImage } from '@kmm-fleet/images';
import { expandReferences } from './container-environment.ts';
import { type ContainerFs, createContainerFs, type Mount } from './files/container-fs.ts';
import type { Kernel } from './kernel/kernel.ts';
import type { Container, Pod } from './pod.ts';
import { executableProblem, isModelled, type Outcome, runProcess } from './shell/execute.ts';
import { Blocked } from './shell/world.ts';

/** How a command of a container went. */
export type CommandResult =
  /** Ended after `elapsedMs` of its own waiting. */
  | ({ readonly kind: 'ended'; readonly elapsedMs: number } & Outcome)
  /** Runs until it is killed. */
  | { readonly kind: 'running' }
  /** Could not be started; in the runtime's words. */
  | { readonly kind: 'unstartable'; readonly message: string };

/** A container that was created: its files, and commands run in it. */
export interface ContainerProcess {
  readonly fs: ContainerFs;
  /** The command of the container itself. A program known only by name runs until it is killed. */
  runMain(): CommandResult;
  /** A command next to it, as hooks are run. What it would do later than `limitMs` from now is not done. */
  exec(argv: readonly string[], limitMs: number): CommandResult;
}

/** Output of a hook that a kubelet keeps. */
const HOOK_CHARS_MAX = 16_384;

export function createContainerProcess(options: {
  readonly pod: Pod;
  readonly container: Container;
  readonly image: PulledImage;
  readonly environment: ReadonlyMap<string, string>;
  readonly mounts: readonly Mount[];
  readonly kernel: Kernel;
}): ContainerProcess {
  const { pod, container, image, environment, kernel } = options;
  const fs = createContainerFs(image.fs, options.mounts);
  const mayLoadModules = canLoadModules(pod, container);
  const directory = container.workingDir || image.config.config?.WorkingDir || '/';
  const path = environment.get('PATH');

  const run = (argv: readonly string[], limitMs = Number.POSITIVE_INFINITY): CommandResult => {
    let elapsedMs = 0;
    const elapse = (durationMs: number) => {
      elapsedMs += durationMs;
      if (elapsedMs > limitMs) throw new Blocked();
    };
    try {
      const outcome = runProcess({
        argv,
        environment,
        directory,
        world: { fs, kernel, mayLoadModules, elapse },
      });
      const clip = (text: string) => text.slice(0, HOOK_CHARS_MAX);
      return {
        kind: 'ended',
        ...outcome,
        stdout: clip(outcome.stdout),
        stderr: clip(outcome.stderr),
        elapsedMs,
      };
    } catch (error) {
      if (error instanceof Blocked) return { kind: 'running' };
      throw error;
    }
  };

  return {
    fs,
    runMain() {
      const argv = mainCommand(container, image, environment);
      if (argv.length === 0) return { kind: 'unstartable', message: 'no command specified' };
      const problem = executableProblem({ fs }, path, argv[0] ?? '');
      if (problem !== undefined) return { kind: 'unstartable', message: startError('create', problem) };
      return isModelled({ fs }, path, argv[0] ?? '') ? run(argv) : { kind: 'running' };
    },
    exec(argv, limitMs) {
      const problem = executableProblem({ fs }, path, argv[0] ?? '');
      return problem === undefined
        ? run(argv, limitMs)
        : { kind: 'unstartable', message: startError('exec', problem) };
    },
  };
}

/** Kubernetes' command replaces the image's entrypoint and, with it, its arguments. */
function mainCommand(
  { command, args }: Container,
  image: PulledImage,
  environment: ReadonlyMap<string, string>,
): string[] {
  const { Entrypoint, Cmd } = image.config.config ?? {};
  const entry = command ?? Entrypoint ?? [];
  const rest = args ?? (command ? [] : (Cmd ?? []));
  return [...entry, ...rest].map((word) => expandReferences(word, environment));
}

/** What runc says, inside containerd's sentence. */
function startError(step: 'create' | 'exec', problem: string): string {
  const start = 'unable to start container process';
  return step === 'create'
    ? `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: ${start}: ${problem}`
    : `OCI runtime exec failed: exec failed: ${start}: ${problem}`;
}

/** Modules are loaded by root with SYS_MODULE: a privileged container, or one that was given the capability. */
function canLoadModules(pod: Pod, { securityContext = {} }: Container): boolean {
  const user = securityContext.runAsUser ?? pod.spec.securityContext?.runAsUser ?? 0;
  const added = (securityContext.capabilities?.add ?? []).map((name) => name.replace(/^CAP_/, ''));
  return (
    user === 0 &&
    (securityContext.privileged === true || added.includes('SYS_MODULE') || added.includes('ALL'))
  );
}
