import { RESOURCES } from '@kmm-fleet/api';
import { isAppError, type KubeClient, type KubeObject, type Transport } from '@kmm-fleet/runtime';
import { type Builder, type BuildRequest, buildLog } from '../builders/builder.ts';
import type { RegistryAccess } from '../registry/types.ts';
import { type ObjectRunner, ownedSecret, startObjectRunner } from './object-runner.ts';

interface Named {
  readonly name: string;
  /** Left out where it is empty, as Go does. */
  readonly value?: string;
}

interface BuildSpec {
  readonly source: { readonly dockerfile: string };
  readonly strategy: {
    readonly dockerStrategy: {
      readonly buildArgs?: readonly Named[];
      readonly pullSecret?: { readonly name: string };
      readonly volumes?: readonly BuildVolume[];
    };
  };
  readonly output: {
    readonly to: { readonly name: string };
    readonly imageLabels?: readonly Named[];
    readonly pushSecret?: { readonly name: string };
  };
  readonly nodeSelector: Readonly<Record<string, string>>;
}

interface BuildVolume {
  readonly source: {
    readonly secret: {
      readonly secretName: string;
      readonly items: readonly { readonly key: string; readonly path: string }[];
    };
  };
  readonly mounts: readonly { readonly destinationPath: string }[];
}

/**
 * Stands in for OpenShift's build controller and the pod of a build: does what a Build says by `builder`, which knows
 * nothing else of it, and tells how it ended as OpenShift does.
 *
 * @param client of the API server behind `transport`
 */
export function startBuildRunner(transport: Transport, client: KubeClient, builder: Builder): ObjectRunner {
  return startObjectRunner(transport, client, RESOURCES.build, async (build, { signal, keepLog }) => {
    const { name, namespace = '' } = build.metadata;
    const pod = `${name}-build`;
    const tell = (status: object, annotations = {}) =>
      client.mergePatch(RESOURCES.build, { namespace, name }, { metadata: { annotations }, status }, {});
    await tell({ phase: 'Pending' }, { 'openshift.io/build.pod-name': pod });
    const request = await requestOf(client, build, signal);
    await tell({ phase: 'Running' });
    const { status, log } = await run(builder, request, signal);
    keepLog({ namespace, name: pod }, 'docker-build', log);
    await tell(status);
  });
}

async function run(builder: Builder, request: BuildRequest, signal: AbortSignal) {
  try {
    const { digest, log } = await builder.build(request, signal);
    return { log, status: { phase: 'Complete', output: { to: { imageDigest: digest } } } };
  } catch (error) {
    if (signal.aborted || !isAppError(error)) throw error;
    const isStep = error.code === 'BUILD_FAILED';
    const reason = isStep ? 'DockerBuildFailed' : 'PushImageToRegistryFailed';
    const words = error.code === 'REGISTRY_UNAUTHORIZED' ? 'unauthorized' : error.message;
    return { log: buildLog(error) || `Error: ${words}\n`, status: { phase: 'Failed', reason } };
  }
}

/** The request as the Build and its Secrets have it. */
async function requestOf(client: KubeClient, build: KubeObject, signal: AbortSignal): Promise<BuildRequest> {
  const { source, strategy, output, nodeSelector } = build['spec'] as BuildSpec;
  const { buildArgs = [], pullSecret, volumes = [] } = strategy.dockerStrategy;
  const access = async (secret: { readonly name: string } | undefined): Promise<RegistryAccess> => {
    const data = secret && (await ownedSecret(client, build, secret.name, signal));
    return { dockerConfig: data && Buffer.from(data['.dockerconfigjson'] ?? '').toString('utf8') };
  };
  return {
    dockerfile: source.dockerfile,
    buildArgs: valuesOf(buildArgs),
    labels: valuesOf(output.imageLabels ?? []),
    secrets: await Promise.all(volumes.map((volume) => secretOf(client, build, volume, signal))),
    target: output.to.name,
    baseAccess: await access(pullSecret),
    targetAccess: await access(output.pushSecret),
    nodeSelector,
  };
}

async function secretOf(
  client: KubeClient,
  build: KubeObject,
  { source: { secret }, mounts: [mount] }: BuildVolume,
  signal: AbortSignal,
) {
  const data = await ownedSecret(client, build, secret.secretName, signal);
  const files = secret.items.map(({ key, path }) => [path, data[key] ?? new Uint8Array()] as const);
  return {
    name: (mount?.destinationPath ?? '').replace('/run/secrets/', ''),
    files: Object.fromEntries(files),
  };
}

const valuesOf = (pairs: readonly Named[]) =>
  Object.fromEntries(pairs.map(({ name, value = '' }) => [name, value]));
