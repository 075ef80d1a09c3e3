import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import {
  AppError,
  type Clock,
  CORE,
  canonicalJson,
  isAppError,
  type KubeClient,
  type KubeObject,
  listAll,
  sleep,
} from '@kmm-fleet/runtime';
import { buildFailure, type Told, withLog } from './build-failure.ts';
import { buildJobStatus, podOf } from './build-job-status.ts';
import { type BuildLog, logFileOf, openBuildLog } from './build-log.ts';
import { contentsOf, refuseOddNames } from './build-secrets.ts';
import type { Builder, BuildRequest, BuildResult } from './builder.ts';
import {
  BUILD_CONTAINERS,
  BUILD_LABEL,
  type BuildJobPlan,
  type JobSettings,
  planBuildJob,
} from './plan-build-job.ts';

export interface JobBuilderOptions extends JobSettings {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Holds the logs. */
  readonly directory: string;
  /** The command by which people read a log. */
  readonly readLog: (file: string) => string;
  /** Between two looks at a build. */
  readonly lookMs?: number;
}

const LOOK_MS = 3_000;
/** etcd takes objects up to about 1.5 MiB, Kubernetes takes Secrets up to one. */
const INPUTS_BYTES_MAX = 1024 * 1024;
const FIELD_MANAGER = 'kmm-builds';

/**
 * buildah in a Job: the operator needs no privilege, the pod of a build does. A Job is named after its inputs, so that
 * an operator that was killed meanwhile finds the one that it began.
 */
export function createJobBuilder(options: JobBuilderOptions): Builder {
  const { client, clock, lookMs = LOOK_MS } = options;
  mkdirSync(options.directory, { recursive: true });

  return {
    async build(request, signal) {
      signal?.throwIfAborted();
      refuseOddNames(request.secrets);
      const plan = planBuildJob(jobName(request), request, options);
      refuseLargeInputs(plan);
      const file = logFileOf(options.directory, request.target);
      const log = openBuildLog(file, contentsOf(request.secrets));
      const told = (): Told => ({ log: log.tail(), logCommand: options.readLog(file) });
      try {
        const job = await begin(plan, signal);
        return await untilBuilt(job, log, told, signal);
      } catch (error) {
        if (!signal?.aborted) throw error;
        await remove(plan.job);
        throw withLog(signal.reason, told());
      } finally {
        log.close();
      }
    },
  };

  async function begin({ job, inputs }: BuildJobPlan, signal: AbortSignal | undefined): Promise<KubeObject> {
    const begun = await client.create(CORE.job, job, signal).catch(async (error: unknown) => {
      if (isAppError(error) && error.code === 'ALREADY_EXISTS')
        return client.get(CORE.job, nameOf(job), signal);
      throw error;
    });
    if (!begun) throw new AppError('CONFLICT', `Job ${job.metadata.name} went away while it was looked at.`);
    const owned = { ...inputs, metadata: { ...inputs.metadata, ownerReferences: [ownerOf(begun)] } };
    await client.apply(CORE.secret, owned, { fieldManager: FIELD_MANAGER, force: true }, signal);
    return begun;
  }

  async function untilBuilt(
    job: KubeObject,
    log: BuildLog,
    told: () => Told,
    signal: AbortSignal | undefined,
  ): Promise<BuildResult> {
    for (;;) {
      const current = await client.get(CORE.job, nameOf(job), signal);
      if (!current)
        throw new AppError('BUILD_FAILED', `Job ${job.metadata.name} was deleted while it built.`);
      const pods = await podsOf(current, signal);
      const progress = buildJobStatus(current, pods);
      if (progress.kind === 'running') {
        await sleep(clock, lookMs, signal).catch(async (reason: unknown) => {
          // Whoever ended it may ask how far it had come.
          await copyLogs(pods, log);
          throw reason;
        });
        continue;
      }
      await copyLogs(pods, log);
      await remove(job);
      if (progress.kind === 'built') return { digest: progress.digest, log: log.tail() };
      if (progress.kind === 'failed') throw buildFailure(progress.command, progress.exitCode, told());
      throw new AppError(progress.code, progress.message, { cause: told() });
    }
  }

  async function podsOf({ metadata }: KubeObject, signal: AbortSignal | undefined): Promise<KubeObject[]> {
    const where = { namespace: options.namespace, labelSelector: `${BUILD_LABEL}=${metadata.name}` };
    const pods = await listAll(client, CORE.pod, where, signal);
    // Pods of an earlier Job of this name may still be on their way out.
    return pods.filter((pod) => pod.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid));
  }

  async function copyLogs(pods: readonly KubeObject[], log: BuildLog): Promise<void> {
    const pod = podOf(pods);
    if (!pod) return;
    for (const container of Object.values(BUILD_CONTAINERS)) await copyLog(pod, container, log);
  }

  async function copyLog(pod: KubeObject, container: string, log: BuildLog): Promise<void> {
    try {
      for await (const bytes of client.podLog(nameOf(pod), container)) log.write(bytes);
    } catch (error) {
      // One that never began has none, and the end of a build must not hang on its log.
      if (!isAppError(error)) throw error;
    }
  }

  /** Pods and inputs go with it; what cannot be removed now goes when its time is over. */
  async function remove(job: KubeObject): Promise<void> {
    await client.delete(CORE.job, nameOf(job)).catch(() => {});
  }
}

/** Labels carry the keyed hash of all inputs, secrets too. */
function jobName({ dockerfile, buildArgs, labels, target, nodeSelector, secrets }: BuildRequest): string {
  const inputs = {
    dockerfile,
    buildArgs,
    labels,
    target,
    nodeSelector,
    secrets: secrets.map(({ name }) => name),
  };
  const hash = createHash('sha256').update(canonicalJson(inputs)).digest('hex');
  return `kmm-build-${hash.slice(0, 32)}`;
}

function refuseLargeInputs({ inputs }: BuildJobPlan): void {
  const texts = Object.values(inputs['data'] as Record<string, string>);
  const bytes = texts.reduce((sum, text) => sum + (text.length * 3) / 4, 0);
  if (bytes > INPUTS_BYTES_MAX)
    throw new AppError(
      'BUILD_FAILED',
      'The Dockerfile and the secrets of the build are larger than a Secret may be, 1 MiB.',
    );
}

const nameOf = ({ metadata }: KubeObject) => ({ namespace: metadata.namespace ?? '', name: metadata.name });

const ownerOf = ({ metadata }: KubeObject) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  name: metadata.name,
  uid: metadata.uid ?? '',
});
