import { CORE, type KubeObject, listAll } from '@kmm-fleet/runtime';
import { BUILD_LABEL } from './build-inputs.ts';
import { buildJobStatus, podOf } from './build-job-status.ts';
import type { Builder } from './builder.ts';
import { type ClusterBuilderOptions, createClusterBuilder, nameOf } from './cluster-builder.ts';
import { BUILD_CONTAINERS, type JobSettings, planBuildJob } from './plan-build-job.ts';

export type JobBuilderOptions = JobSettings & ClusterBuilderOptions;

/** buildah in a Job: the operator needs no privilege, the pod of a build does. */
export function createJobBuilder(options: JobBuilderOptions): Builder {
  const { client, namespace } = options;
  return createClusterBuilder(options, {
    type: CORE.job,
    plan: (name, request) => planBuildJob(name, request, options),
    logCommand: (name) => `kubectl -n ${namespace} logs -f job/${name} --all-containers`,
    async look(job, signal) {
      const pods = await podsOf(job, signal);
      const counting = podOf(pods);
      const pod = counting && nameOf(counting);
      const logs = pod ? Object.values(BUILD_CONTAINERS).map((container) => ({ pod, container })) : [];
      return { progress: buildJobStatus(job, pods), logs };
    },
  });

  async function podsOf({ metadata }: KubeObject, signal: AbortSignal | undefined): Promise<KubeObject[]> {
    const where = { namespace, labelSelector: `${BUILD_LABEL}=${metadata.name}` };
    const pods = await listAll(client, CORE.pod, where, signal);
    // Pods of an earlier Job of this name may still be on their way out.
    return pods.filter((pod) => pod.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid));
  }
}
