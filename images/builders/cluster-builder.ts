import { createHash } from 'node:crypto';
import {
  AppError,
  type Clock,
  CORE,
  canonicalJson,
  isAppError,
  type KubeClient,
  type KubeObject,
  listAll,
  type ObjectName,
  type ResourceType,
  sleep,
} from '@kmm-fleet/runtime';
import { buildFailure, withLog } from './build-failure.ts';
import { BUILD_LABEL, IMAGE_ANNOTATION, INPUTS_ANNOTATION } from './build-inputs.ts';
import { type BuildLog, type BuildLogSettings, openBuildLog, prepareLogFolder } from './build-log.ts';
import { refuseOddNames } from './build-secrets.ts';
import { type Builder, type BuildRequest, type BuildResult, isOver } from './builder.ts';
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
  /** The object that builds, and the Secrets with what it reads. @param name equal for equal targets */
  plan(name: string, request: BuildRequest): ClusterBuild;
  look(object: KubeObject, signal: AbortSignal | undefined): Promise<BuildSight>;
  /** The command that shows the log while it builds. */
  logCommand(name: string): string;
  /** Of what was pushed, where the object does not tell. */
  digest?(request: BuildRequest, signal: AbortSignal | undefined): Promise<string | undefined>;
}

const LOOK_MS = 3_000;
/** etcd takes objects up to about 1.5 MiB, Kubernetes takes Secrets up to one. */
const INPUTS_BYTES_MAX = 1024 * 1024;
const FIELD_MANAGER = 'kmm-builds';

/**
 * Builds by an object that somebody on the cluster acts on. It is named after the image that it makes: two of them would
 * push over each other. An operator finds the one that goes on since it was stopped.
 */
export function createClusterBuilder(options: ClusterBuilderOptions, kind: BuildKind): Builder {
  const { client, clock, lookMs = LOOK_MS } = options;
  prepareLogFolder(options.directory);

  return {
    logCommand: (target) => kind.logCommand(buildName(target)),
    async build(request, signal) {
      signal?.throwIfAborted();
      refuseOddNames(request.secrets);
      const plan = withInputs(kind.plan(buildName(request.target), request), request);
      refuseLargeInputs(plan);
      const log = openBuildLog(options, request);
      try {
        const object = await begin(plan, signal);
        return await untilBuilt(object, request, log, signal);
      } catch (error) {
        if (!signal?.aborted) throw error;
        if (isOver(signal.reason)) await giveUp(plan.object, log);
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
    await clearOthers(object, signal);
    const begun = await takeOrCreate(object, signal);
    for (const secret of secrets) {
      const owned = { ...secret, metadata: { ...secret.metadata, ownerReferences: [ownerOf(begun)] } };
      await client.apply(CORE.secret, owned, { fieldManager: FIELD_MANAGER, force: true }, signal);
    }
    return begun;
  }

  /** Earlier versions named those that make one image otherwise: they would push over it. */
  async function clearOthers(object: KubeObject, signal: AbortSignal | undefined): Promise<void> {
    const where = { namespace: object.metadata.namespace ?? '', labelSelector: BUILD_LABEL };
    for (;;) {
      const builds = await listAll(client, kind.type, where, signal).catch(toldMissing);
      const others = builds.filter((other) => isOther(other, object));
      if (others.length === 0) return;
      for (const other of others) if (!other.metadata.deletionTimestamp) await discard(other);
      await sleep(clock, lookMs, signal);
    }
  }

  /** What is there already counts while it builds the same. Else it makes room: its end is that of an earlier try. */
  async function takeOrCreate(object: KubeObject, signal: AbortSignal | undefined): Promise<KubeObject> {
    for (;;) {
      const created = await create(object, signal);
      if (created) return created;
      const there = await client.get(kind.type, nameOf(object), signal);
      if (there && (await isGoingOn(there, object, signal))) return there;
      if (there && !there.metadata.deletionTimestamp) await discard(there);
      await sleep(clock, lookMs, signal);
    }
  }

  /** @returns undefined when there is one of that name */
  async function create(
    object: KubeObject,
    signal: AbortSignal | undefined,
  ): Promise<KubeObject | undefined> {
    try {
      return await client.create(kind.type, object, signal);
    } catch (error) {
      if (isAppError(error) && error.code === 'ALREADY_EXISTS') return undefined;
      return toldMissing(error);
    }
  }

  async function isGoingOn(there: KubeObject, wanted: KubeObject, signal: AbortSignal | undefined) {
    if (there.metadata.deletionTimestamp || inputsOf(there) !== inputsOf(wanted)) return false;
    return (await kind.look(there, signal)).progress.kind === 'running';
  }

  async function untilBuilt(
    object: KubeObject,
    request: BuildRequest,
    log: BuildLog,
    signal: AbortSignal | undefined,
  ): Promise<BuildResult> {
    for (;;) {
      const current = await client.get(kind.type, nameOf(object), signal);
      if (!current || current.metadata.uid !== object.metadata.uid)
        throw new AppError('BUILD_FAILED', `${shown(object)} was deleted while it built.`);
      const { progress, logs, snippet } = await kind.look(current, signal);
      if (progress.kind === 'running') {
        await sleep(clock, lookMs, signal);
        continue;
      }
      await copyLogs(logs, log);
      if (snippet && log.tail() === '') log.write(Buffer.from(snippet));
      await remove(object);
      if (progress.kind === 'built')
        return { digest: progress.digest || (await digestOf(request, signal)), log: log.tail() };
      if (progress.kind === 'failed') throw buildFailure(progress.command, progress.exitCode, log.told());
      throw new AppError(progress.code, progress.message, { cause: log.told() });
    }
  }

  /** Whoever ended it may ask how far it had come. */
  async function giveUp(object: KubeObject, log: BuildLog): Promise<void> {
    try {
      const there = await client.get(kind.type, nameOf(object));
      if (!there || inputsOf(there) !== inputsOf(object)) return;
      try {
        await copyLogs((await kind.look(there, undefined)).logs, log);
      } finally {
        await remove(there);
      }
    } catch (error) {
      if (!isAppError(error)) throw error;
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

  /** Pods and inputs go with it. */
  async function discard(object: KubeObject): Promise<void> {
    const { uid } = object.metadata;
    await client.delete(kind.type, nameOf(object), { ...(uid && { uid }) });
  }

  /** What cannot be removed now goes when its time is over. */
  async function remove(object: KubeObject): Promise<void> {
    await discard(object).catch(() => {});
  }

  async function digestOf(request: BuildRequest, signal: AbortSignal | undefined): Promise<string> {
    const digest = await kind.digest?.(request, signal);
    if (digest) return digest;
    throw new AppError('IMAGE_NOT_FOUND', `${request.target} was pushed, and its registry does not have it.`);
  }

  function toldMissing(error: unknown): never {
    if (!isAppError(error) || error.code !== 'NOT_FOUND') throw error;
    const what = `${kind.type.plural}${kind.type.group && `.${kind.type.group}`}`;
    const message = `The cluster has no ${what}, or no such namespace.`;
    throw new AppError('BUILDER_MISSING', message, { cause: error });
  }
}

const buildName = (target: string) => `kmm-build-${hashOf(target).slice(0, 32)}`;

/** Labels carry the keyed hash of all inputs, secrets too. */
function withInputs({ object, secrets }: ClusterBuild, request: BuildRequest): ClusterBuild {
  const { dockerfile, buildArgs, labels, nodeSelector } = request;
  const names = request.secrets.map(({ name }) => name);
  const hash = hashOf(canonicalJson({ dockerfile, buildArgs, labels, nodeSelector, secrets: names }));
  const { metadata } = object;
  const annotations = { ...metadata.annotations, [INPUTS_ANNOTATION]: hash };
  return { object: { ...object, metadata: { ...metadata, annotations } }, secrets };
}

const isOther = (build: KubeObject, { metadata: { name, annotations } }: KubeObject) =>
  build.metadata.name !== name &&
  build.metadata.annotations?.[IMAGE_ANNOTATION] === annotations?.[IMAGE_ANNOTATION];

const inputsOf = ({ metadata }: KubeObject) => metadata.annotations?.[INPUTS_ANNOTATION];

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');

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
