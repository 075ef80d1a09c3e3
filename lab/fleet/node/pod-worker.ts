import { type Clock, type EventRecorder, type KubeClient, sleep } from '@kmm-fleet/runtime';
import { environmentOf } from './container-environment.ts';
import { type CommandResult, type ContainerProcess, createContainerProcess } from './container-process.ts';
import { type ContainerRecord, createContainerRecord, type Terminated } from './container-record.ts';
import type { HostFiles } from './files/host-files.ts';
import { kernelMounts } from './files/kernel-files.ts';
import { type ImageStore, isPullProblem } from './image-store.ts';
import type { Kernel } from './kernel/kernel.ts';
import { FORGIVE_MS, mountRetryMs, planPull, planRestart, type Restart } from './plan-restart.ts';
import { type LifecycleHook, type Pod, podText } from './pod.ts';
import { mountsOf, setUpVolumes, type Volumes } from './volumes.ts';

/** What workers share with the node they run on. */
export interface WorkerPorts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly events: EventRecorder;
  readonly images: ImageStore;
  readonly host: HostFiles;
  /** The kernel that runs now: another one after a reboot. */
  readonly kernel: () => Kernel;
  readonly firmwarePath: string;
  /** A hook ran, so loaded modules may have changed. */
  readonly modulesMayHaveChanged: () => void;
}

/** Runs one pod. */
export interface PodWorker {
  readonly uid: string;
  readonly records: readonly ContainerRecord[];
  /** Takes every container as far as it gets now. Returns when to come again, in milliseconds from now. */
  advance(pod: Pod, signal: AbortSignal): Promise<number | undefined>;
  /** Runs the preStop hooks and stops everything. */
  terminate(pod: Pod, signal: AbortSignal): Promise<void>;
  /** The node went down under the pod. */
  crash(): void;
}

/** What a kubelet reads of a termination message. */
const MESSAGE_BYTES_MAX = 4_096;
const GRACE_SECONDS = 30;

export function createPodWorker(first: Pod, ports: WorkerPorts): PodWorker {
  const { clock, events } = ports;
  const records = [
    ...(first.spec.initContainers ?? []).map((spec) => createContainerRecord(spec, true)),
    ...first.spec.containers.map((spec) => createContainerRecord(spec, false)),
  ];
  let volumes: Volumes | undefined;
  let mountFailures = 0;
  let mountRetryAtMs = 0;
  let mountProblem = '';
  /** Counts reboots: a hook that was running when the node went down has no say any more. */
  let boot = 0;

  const advance = async (pod: Pod, signal: AbortSignal): Promise<number | undefined> => {
    if (!volumes) {
      const retryMs = await mount(pod, signal);
      if (retryMs !== undefined) return retryMs;
    }
    for (const record of records) {
      await step(pod, record, signal);
      if (record.isInit && !(record.state.state === 'terminated' && record.state.exitCode === 0)) break;
    }
    const due = records.flatMap(({ next }) => (next ? [next.atMs - clock.now()] : []));
    return due.length > 0 ? Math.max(0, Math.min(...due)) : undefined;
  };

  const mount = async (pod: Pod, signal: AbortSignal): Promise<number | undefined> => {
    if (clock.now() < mountRetryAtMs) return mountRetryAtMs - clock.now();
    const made = await setUpVolumes(pod, ports.host.tree, ports.client, signal);
    if (typeof made !== 'string') {
      volumes = made;
      return undefined;
    }
    if (made !== mountProblem) events.record(pod, { type: 'Warning', reason: 'FailedMount', message: made });
    mountProblem = made;
    mountFailures += 1;
    mountRetryAtMs = clock.now() + mountRetryMs(mountFailures);
    return mountRetryMs(mountFailures);
  };

  const step = async (pod: Pod, record: ContainerRecord, signal: AbortSignal) => {
    const { next, state } = record;
    if (!next) {
      if (state.state === 'waiting') await start(pod, record, signal);
      return;
    }
    if (clock.now() < next.atMs) return;
    record.next = undefined;
    if (next.step === 'start') await start(pod, record, signal);
    else if (next.step === 'exit') ended(pod, record, next.exitCode ?? 0);
    else if (next.shown) {
      const { reason, message, untilMs } = next.shown;
      record.state = { state: 'waiting', reason, message };
      record.next = { atMs: untilMs, step: 'start' };
    }
  };

  const start = async (pod: Pod, record: ContainerRecord, signal: AbortSignal) => {
    const started = boot;
    const image = await ports.images.ensure(pod, record.spec, signal);
    if (isPullProblem(image)) return pullFailed(pod, record, image.reason, image.message);
    if (!record.image) {
      const message = `Container image "${record.spec.image}" is present on the node`;
      events.record(pod, { type: 'Normal', reason: 'Pulled', message });
    }
    record.image = image;
    record.pullFailures = 0;
    const environment = await environmentOf(pod, record.spec, image, ports.client, signal);
    if (typeof environment === 'string') return configFailed(pod, record, environment);
    const kernel = ports.kernel();
    const mounts = [
      ...mountsOf(record.spec, volumes ?? new Map()),
      ...kernelMounts(kernel, ports.firmwarePath),
    ];
    const process = createContainerProcess({
      pod,
      container: record.spec,
      image,
      environment,
      mounts,
      kernel,
    });
    if (record.hasRun || record.last) record.restartCount += 1;
    await run(pod, record, process, started, signal);
  };

  const run = async (
    pod: Pod,
    record: ContainerRecord,
    process: ContainerProcess,
    started: number,
    signal: AbortSignal,
  ) => {
    const startedAtMs = clock.now();
    const main = process.runMain();
    if (main.kind === 'unstartable') return startFailed(pod, record, main.message);
    record.hasRun = true;
    const hook = await runHook(record.spec.lifecycle?.postStart, process, signal);
    if (started !== boot) return;
    ports.modulesMayHaveChanged();
    if (hook !== undefined) return hookFailed(pod, record, process, startedAtMs, hook, signal);
    record.state = { state: 'running', startedAtMs, process };
    events.record(pod, {
      type: 'Normal',
      reason: 'Started',
      message: `Container ${record.spec.name} started`,
    });
    if (main.kind === 'ended') {
      if (main.elapsedMs === 0) ended(pod, record, main.code);
      else record.next = { atMs: startedAtMs + main.elapsedMs, step: 'exit', exitCode: main.code };
    }
  };

  /** What went wrong, or undefined. Time that the hook spends waiting passes. */
  const runHook = async (
    hook: LifecycleHook | undefined,
    process: ContainerProcess,
    signal: AbortSignal,
    limitMs = Number.POSITIVE_INFINITY,
  ): Promise<FailedHook | undefined> => {
    if (hook?.sleep) await sleep(clock, Math.min(hook.sleep.seconds * 1_000, limitMs), signal);
    const command = hook?.exec?.command;
    if (!command) return undefined;
    const result = process.exec(command, limitMs);
    // One that never ends holds up nothing here unless somebody sets a limit.
    const tookMs = result.kind === 'ended' ? result.elapsedMs : result.kind === 'running' ? limitMs : 0;
    if (tookMs > 0 && Number.isFinite(tookMs)) await sleep(clock, tookMs, signal);
    if (result.kind === 'ended' && result.code === 0) return undefined;
    return { command, result };
  };

  /** As the kubelet: the hook before the stop runs here too. */
  const hookFailed = async (
    pod: Pod,
    record: ContainerRecord,
    process: ContainerProcess,
    startedAtMs: number,
    failed: FailedHook,
    signal: AbortSignal,
  ) => {
    const { name } = record.spec;
    events.record(pod, { type: 'Warning', reason: 'FailedPostStartHook', message: 'PostStartHook failed' });
    await runHook(record.spec.lifecycle?.preStop, process, signal, GRACE_SECONDS * 1_000);
    // The main process was stopped: its own exit code tells nothing of the hook.
    record.last = terminated(record, process, startedAtMs, stoppedCode(pod));
    record.state = {
      state: 'waiting',
      reason: 'PostStartHookError',
      message: hookMessage(pod, name, failed),
    };
    retryAfterCrash(pod, record, startedAtMs);
  };

  const startFailed = (pod: Pod, record: ContainerRecord, message: string) => {
    const now = clock.now();
    events.record(pod, { type: 'Warning', reason: 'Failed', message: `Error: ${message}` });
    if (message === 'no command specified') {
      record.state = { state: 'waiting', reason: 'CreateContainerError', message };
      record.next = { atMs: now + 10_000, step: 'start' };
      return;
    }
    record.last = { exitCode: 128, reason: 'StartError', message, startedAtMs: 0, finishedAtMs: now };
    record.state = { state: 'waiting', reason: 'RunContainerError', message };
    retryAfterCrash(pod, record, now);
  };

  const configFailed = (pod: Pod, record: ContainerRecord, message: string) => {
    events.record(pod, { type: 'Warning', reason: 'Failed', message: `Error: ${message}` });
    record.state = { state: 'waiting', reason: 'CreateContainerConfigError', message };
    record.next = { atMs: clock.now() + 10_000, step: 'start' };
  };

  const pullFailed = (pod: Pod, record: ContainerRecord, reason: string, message: string) => {
    record.pullFailures += 1;
    record.state = { state: 'waiting', reason, message };
    const image = record.spec.image ?? '';
    events.record(pod, {
      type: 'Warning',
      reason: 'Failed',
      message: `Failed to pull image "${image}": ${message}`,
    });
    const restart = planPull(record.pullFailures);
    retry(record, restart, 'ImagePullBackOff', `Back-off pulling image "${image}": ${reason}: ${message}`);
  };

  const ended = (pod: Pod, record: ContainerRecord, exitCode: number) => {
    if (record.state.state !== 'running') return;
    const { process, startedAtMs } = record.state;
    const outcome = terminated(record, process, startedAtMs, exitCode);
    record.state = { state: 'terminated', ...outcome };
    const policy = record.isInit ? 'OnFailure' : (pod.spec.restartPolicy ?? 'Always');
    if (policy === 'Never' || (policy === 'OnFailure' && exitCode === 0)) return;
    record.last = outcome;
    retryAfterCrash(pod, record, startedAtMs);
  };

  const retryAfterCrash = (pod: Pod, record: ContainerRecord, startedAtMs: number) => {
    record.crashes = clock.now() - startedAtMs >= FORGIVE_MS ? 1 : record.crashes + 1;
    const restart = planRestart(record.crashes);
    const { name } = record.spec;
    const message = `back-off ${restart.backOff ?? '10s'} restarting failed container=${name} pod=${podText(pod)}`;
    retry(record, restart, 'CrashLoopBackOff', message);
  };

  const retry = (
    record: ContainerRecord,
    { showMs, waitMs, backOff }: Restart,
    reason: string,
    message: string,
  ) => {
    const now = clock.now();
    record.next =
      backOff === undefined
        ? { atMs: now + waitMs, step: 'start' }
        : { atMs: now + showMs, step: 'back-off', shown: { reason, message, untilMs: now + waitMs } };
  };

  const terminated = (
    { spec }: ContainerRecord,
    process: ContainerProcess,
    startedAtMs: number,
    exitCode: number,
  ): Terminated => {
    const bytes = process.fs.readFile(spec.terminationMessagePath ?? '/dev/termination-log');
    const message = Buffer.from(bytes ?? []).toString('utf8', 0, MESSAGE_BYTES_MAX);
    const reason = exitCode === 0 ? 'Completed' : 'Error';
    return { exitCode, reason, message, startedAtMs, finishedAtMs: clock.now() };
  };

  const terminate = async (pod: Pod, signal: AbortSignal) => {
    const graceMs =
      (pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? GRACE_SECONDS) *
      1_000;
    for (const record of records) {
      record.next = undefined;
      if (record.state.state !== 'running') continue;
      const { process, startedAtMs } = record.state;
      const { name } = record.spec;
      events.record(pod, { type: 'Normal', reason: 'Killing', message: `Stopping container ${name}` });
      const failed = await runHook(record.spec.lifecycle?.preStop, process, signal, graceMs);
      ports.modulesMayHaveChanged();
      if (failed)
        events.record(pod, { type: 'Warning', reason: 'FailedPreStopHook', message: 'PreStopHook failed' });
      record.state = { state: 'terminated', ...terminated(record, process, startedAtMs, 0) };
    }
  };

  const crash = () => {
    boot += 1;
    const now = clock.now();
    for (const record of records) {
      const startedAtMs = record.state.state === 'running' ? record.state.startedAtMs : now;
      if (record.state.state === 'terminated' && !record.next) continue;
      if (record.hasRun) record.last = { exitCode: 255, reason: 'Unknown', startedAtMs, finishedAtMs: now };
      if (record.hasRun)
        record.state = {
          state: 'terminated',
          exitCode: 255,
          reason: 'Unknown',
          startedAtMs,
          finishedAtMs: now,
        };
      record.crashes = 0;
      record.next = { atMs: now, step: 'start' };
    }
  };

  return { uid: first.metadata.uid ?? '', records, advance, terminate, crash };
}

/** Of `sleep`, which SIGTERM ends unless it is process 1 of its own. */
const stoppedCode = (pod: Pod) => (pod.spec.shareProcessNamespace ? 143 : 137);

interface FailedHook {
  readonly command: readonly string[];
  readonly result: CommandResult;
}

/** The kubelet's sentence: the command, its exit code, and what it said. */
function hookMessage(pod: Pod, container: string, { command, result }: FailedHook): string {
  const where = `Exec lifecycle hook ([${command.join(' ')}]) for Container "${container}" in Pod "${podText(pod)}" failed`;
  if (result.kind === 'ended') {
    const error = `command '${command.join(' ')}' exited with ${result.code}: ${result.stderr}`;
    return `${where} - error: ${error}, message: ${JSON.stringify(result.stdout + result.stderr)}`;
  }
  const error = result.kind === 'unstartable' ? result.message : 'context deadline exceeded';
  return `${where} - error: rpc error: code = Unknown desc = failed to exec in container: ${error}, message: ""`;
}
