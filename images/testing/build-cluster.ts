import { createApiServer } from '@kmm-fleet/lab';
import {
  CORE,
  systemClock as clock,
  createKubeClient,
  createRandom,
  type KubeClient,
  type ResourceType,
} from '@kmm-fleet/runtime';
import type { Builder } from '../builders/builder.ts';
import type { ClusterBuild } from '../builders/cluster-build.ts';
import { buildDefinition } from './build-definition.ts';
import { startBuildRunner } from './build-runner.ts';
import { type RunPod, startJobRunner } from './job-runner.ts';
import type { ObjectRunner } from './object-runner.ts';

/** Namespace of the operator whose builds run here. */
export const BUILD_NAMESPACE = 'operator';

/** Service account of the pods of builds. */
const BUILDER = 'builder';

/** How builds stand on the cluster, whatever makes them. */
export const BUILD_SETTINGS = {
  clock,
  namespace: BUILD_NAMESPACE,
  bytesMax: 1024 ** 3,
  minutesMax: 5,
  resources: { requests: undefined, limits: undefined },
  readLog: (file: string) => `cat ${file}`,
};

/** How those of Jobs do. */
export const JOB_SETTINGS = {
  ...BUILD_SETTINGS,
  image: 'registry.test/buildah:1',
  account: BUILDER,
  tolerations: [],
};

export interface BuildCluster {
  readonly client: KubeClient;
  readonly runner: ObjectRunner;
}

/** The lab's API server with somebody who runs the Jobs in it. */
export const startJobCluster = (run: RunPod): BuildCluster =>
  startCluster((transport, client) => startJobRunner(transport, client, run));

/** The lab's API server with somebody who runs the Builds in it as `builder` does. */
export const startOpenshift = (builder: Builder): BuildCluster =>
  startCluster((transport, client) => startBuildRunner(transport, client, builder));

/** Makes what an operator had made for a build, whatever it called that. */
export async function leaveBuild(client: KubeClient, type: ResourceType, { object, secrets }: ClusterBuild) {
  const { uid = '' } = (await client.create(type, object)).metadata;
  const { apiVersion, kind, metadata } = object;
  const ownerReferences = [{ apiVersion, kind, name: metadata.name, uid }];
  for (const secret of secrets)
    await client.create(CORE.secret, { ...secret, metadata: { ...secret.metadata, ownerReferences } });
}

function startCluster(
  start: (transport: Parameters<typeof startJobRunner>[0], client: KubeClient) => ObjectRunner,
): BuildCluster {
  const random = createRandom(1);
  const objects = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: BUILD_NAMESPACE } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: BUILDER, namespace: BUILD_NAMESPACE } },
    buildDefinition,
  ];
  const { transport } = createApiServer({ clock, random, name: 'builds', objects });
  const client = (to: typeof transport) =>
    createKubeClient({ transport: to, clock, random, userAgent: 'builds' });
  const runner = start(transport, client(transport));
  return { client: client(runner.transport), runner };
}
