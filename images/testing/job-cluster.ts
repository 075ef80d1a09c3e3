import { createApiServer } from '@kmm-fleet/lab';
import { systemClock as clock, createKubeClient, createRandom, type KubeClient } from '@kmm-fleet/runtime';
import { type JobRunner, type RunPod, startJobRunner } from './job-runner.ts';

/** Namespace of the operator whose builds run here. */
export const JOB_NAMESPACE = 'operator';

/** Service account of the pods of builds. */
export const BUILDER = 'builder';

export interface JobCluster {
  readonly client: KubeClient;
  readonly runner: JobRunner;
}

/** The lab's API server with somebody who runs the Jobs in it. */
export function startJobCluster(run: RunPod): JobCluster {
  const random = createRandom(1);
  const objects = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: JOB_NAMESPACE } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: BUILDER, namespace: JOB_NAMESPACE } },
  ];
  const { transport } = createApiServer({ clock, random, name: 'jobs', objects });
  const client = (to: typeof transport) =>
    createKubeClient({ transport: to, clock, random, userAgent: 'jobs' });
  const runner = startJobRunner(transport, client(transport), run);
  return { client: client(runner.transport), runner };
}
