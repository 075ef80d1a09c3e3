import { createHash } from 'node:crypto';
import {
  AppError,
  type Clock,
  CORE,
  canonicalJson,
  isAppError,
  type KubeClient,
  type KubeObject,
  type ObjectName,
  type ResourceType,
  sleep,
} from '@kmm-fleet/runtime';
import { buildFailure, withLog } from './build-failure.ts';
import { type BuildLog, type BuildLogSettings, openBuildLog, prepareLogFolder } from './build-log.ts';
import { refuseOddNames } from './build-secrets.ts';
import type { Builder, BuildRequest, BuildResult } from './builder.ts';
import type { BuildSight, ClusterBuild } from './cluster-build.ts';

export interface ClusterBuilderOptions extends BuildLogSettings {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Between two looks at a build. */
  readonly lookMs?: number;
}

/** How builds of one kind stand on a cluster. */
export interface BuildKind {
  readonly type: ResourceType;
  /** The object that builds, and the Secrets with what it reads. @param name equal for equal requests */
  plan(name: string, request: BuildRequest): ClusterBuild;
  look(object: KubeObject, request: BuildRequest, signal: AbortSignal | undefined): Promise<BuildSight>;
}

const LOOK_MS = 3_000;
/** etcd takes objects up to about 1.5 MiB, Kubernetes takes Secrets up to one. */
const INPUTS_BYTES_MAX = 1024 * 1024;
const FIELD_MANAGER = 'kmm-builds';

/**
 * Builds by an object that somebody on the cluster acts on. It is named after its inputs, so that an operator that was
 * killed meanwhile finds the one that it began.
 */
export function createClusterBuilder(options: ClusterBuilderOptions, kind: BuildKind): Builder {
  const { client, clock, lookMs = LOOK_MS } = options;
  prepareLogFolder(options.directory);

  return {
    async build(request, signal) {
      signal?.throwIfAborted();
      refuseOddNames(request.secrets);
      const plan = kind.plan(buildName(request), request);
      refuseLargeInputs(plan);
      const log = openBuildLog(options, request);
      try {
        const object = await begin(plan, signal);
        return await untilBuilt(object, request, log, signal);
      } catch (error) {
        if (!signal?.aborted) throw error;
        await remove(plan.object);
        throw withLog(signal.reason, log.told());
      } finally {
        log.close();
      }
    },
  };

  async function begin(
    { object, secrets }: ClusterBuild,
    signal: AbortSignal | undefined,
  ): Promise<KubeObject> {
    const begun = await client.create(kind.type, object, signal).catch(async (error: unknown) => {
      if (!isAppError(error)) throw error;
      if (error.code === 'ALREADY_EXISTS') return client.get(kind.type, nameOf(object), signal);
      if (error.code === 'NOT_FOUND') throw kindMissing(error);
      throw error;
    });
    if (!begun) throw new AppError('CONFLICT', `${shown(object)} went away while it was looked at.`);
    for (const secret of secrets) {
      const owned = { ...secret, metadata: { ...secret.metadata, ownerReferences: [ownerOf(begun)] } };
      await client.apply(CORE.secret, owned, { fieldManager: FIELD_MANAGER, force: true }, signal);
    }
    return begun;
  }

  async function untilBuilt(
    object: KubeObject,
    request: BuildRequest,
    log: BuildLog,
    signal: AbortSignal | undefined,
  ): Promise<BuildResult> {
    for (;;) {
      const current = await client.get(kind.type, nameOf(object), signal);
      if (!current) throw new AppError('BUILD_FAILED', `${shown(object)} was deleted while it built.`);
      const { progress, logs, snippet } = await kind.look(current, request, signal);
      if (progress.kind === 'running') {
        await sleep(clock, lookMs, signal).catch(async (reason: unknown) => {
          // Whoever ended it may ask how far it had come.
          await copyLogs(logs, log);
          throw reason;
        });
        continue;
      }
      await copyLogs(logs, log);
      if (snippet && log.tail() === '') log.write(Buffer.from(snippet));
      await remove(object);
      if (progress.kind === 'built') return { digest: progress.digest, log: log.tail() };
      if (progress.kind === 'failed') throw buildFailure(progress.command, progress.exitCode, log.told());
      throw new AppError(progress.code, progress.message, { cause: log.told() });
    }
  }

  async function copyLogs(logs: BuildSight['logs'], log: BuildLog): Promise<void> {
    for (const { pod, container } of logs) await copyLog(pod, container, log);
  }

  async function copyLog(pod: ObjectName, container: string, log: BuildLog): Promise<void> {
    try {
      for await (const bytes of client.podLog(pod, container)) log.write(bytes);
    } catch (error) {
      // One that never began has none, and the end of a build must not hang on its log.
      if (!isAppError(error)) throw error;
    }
  }

  /** Pods and inputs go with it; what cannot be removed now goes when its time is over. */
  async function remove(object: KubeObject): Promise<void> {
    await client.delete(kind.type, nameOf(object)).catch(() => {});
  }

  function kindMissing(cause: AppError): AppError {
    const what = `${kind.type.plural}${kind.type.group && `.${kind.type.group}`}`;
    return new AppError('BUILDER_MISSING', `The cluster has no ${what}, or no such namespace.`, { cause });
  }
}

/** Labels carry the keyed hash of all inputs, secrets too. */
function buildName({ dockerfile, buildArgs, labels, target, nodeSelector, secrets }: BuildRequest): string {
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

function refuseLargeInputs({ secrets }: ClusterBuild): void {
  const texts = secrets.flatMap((secret) => Object.values(secret['data'] as Record<string, string>));
  const bytes = texts.reduce((sum, text) => sum + (text.length * 3) / 4, 0);
  if (bytes > INPUTS_BYTES_MAX)
    throw new AppError(
      'BUILD_FAILED',
      'The Dockerfile and the secrets of the build are larger than a Secret may be, 1 MiB.',
    );
}

const shown = ({ kind, metadata }: KubeObject) => `${kind} ${metadata.name}`;

export const nameOf = ({ metadata }: KubeObject): ObjectName => ({
  namespace: metadata.namespace ?? '',
  name: metadata.name,
});

const ownerOf = ({ apiVersion, kind, metadata }: KubeObject) => ({
  apiVersion,
  kind,
  name: metadata.name,
  uid: metadata.uid ?? '',
});
