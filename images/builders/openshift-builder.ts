import { RESOURCES } from '@kmm-fleet/api';
import { AppError } from '@kmm-fleet/runtime';
import type { Registry } from '../registry/registry.ts';
import type { Builder, BuildRequest } from './builder.ts';
import type { ClusterBuildSettings } from './cluster-build.ts';
import { type ClusterBuilderOptions, createClusterBuilder } from './cluster-builder.ts';
import { openshiftBuildStatus } from './openshift-build-status.ts';
import { planOpenshiftBuild } from './plan-openshift-build.ts';

export type OpenshiftBuilderOptions = ClusterBuildSettings &
  ClusterBuilderOptions & {
    /** Asked for a digest that a Build does not tell. */
    readonly registry: Pick<Registry, 'resolve'>;
  };

/** What OpenShift's API takes of a Dockerfile in a Build. */
const DOCKERFILE_BYTES_MAX = 60_000;
const CONTAINER = 'docker-build';

/** OpenShift's Builds of strategy Docker: neither the operator nor an account of ours needs privilege. */
export function createOpenshiftBuilder(options: OpenshiftBuilderOptions): Builder {
  const { clock, namespace, registry } = options;
  return createClusterBuilder(options, {
    type: RESOURCES.build,
    plan(name, request) {
      refuseLongDockerfile(request);
      return planOpenshiftBuild(name, request, options);
    },
    logCommand: (name) => `oc -n ${namespace} logs -f build/${name}`,
    async look(build) {
      const { name, namespace = '', annotations } = build.metadata;
      const pod = { namespace, name: annotations?.['openshift.io/build.pod-name'] ?? `${name}-build` };
      return {
        progress: openshiftBuildStatus(build, clock.now()),
        logs: [{ pod, container: CONTAINER }],
        snippet: (build['status'] as { logSnippet?: string } | undefined)?.logSnippet,
      };
    },
    digest: ({ target, targetAccess }, signal) => registry.resolve(target, targetAccess, signal),
  });
}

function refuseLongDockerfile({ dockerfile }: BuildRequest): void {
  const bytes = Buffer.byteLength(dockerfile);
  if (bytes > DOCKERFILE_BYTES_MAX)
    throw new AppError(
      'BUILD_FAILED',
      `The Dockerfile has ${bytes} bytes; a Build of OpenShift takes ${DOCKERFILE_BYTES_MAX}.`,
    );
}
