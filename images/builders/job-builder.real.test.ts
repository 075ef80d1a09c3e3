import { join } from 'node:path';
import { CORE, listAll } from '@kmm-fleet/runtime';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { type BuildCluster, JOB_SETTINGS, startJobCluster } from '../testing/build-cluster.ts';
import { processesIn } from '../testing/processes-in.ts';
import { type RealRegistryWorld, skipReason, startRealRegistry } from '../testing/real-registry.ts';
import { runPodHere } from '../testing/run-pod-here.ts';
import { shellTarget } from '../testing/shell-target.ts';
import { describeBuilder } from './builder.contract.ts';
import { createJobBuilder } from './job-builder.ts';

const reason = skipReason('buildah', 'root');

describe.skipIf(reason !== '')(
  `the command of a Job's pod on a real registry${reason && ` (${reason})`}`,
  () => {
    let real: RealRegistryWorld;
    let cluster: BuildCluster;
    const pods = () => join(real.directory, 'pods');
    afterAll(async () => {
      await cluster?.runner.stop();
      await real?.close();
    });

    describeBuilder('buildah in a Job', async () => {
      real = await startRealRegistry();
      const target = await shellTarget(real);
      cluster = startJobCluster(runPodHere(pods()));
      const builder = createJobBuilder({
        ...JOB_SETTINGS,
        client: cluster.client,
        directory: join(real.directory, 'logs'),
        ca: real.ca,
        lookMs: 50,
      });
      return {
        ...target,
        builder,
        whenSleeping: async () => {
          await vi.waitUntil(() => processesIn(pods()).includes('sleep'), { timeout: 60_000 });
        },
        close: async () => {},
      };
    });

    it('leaves nothing of its builds behind on the cluster', async () => {
      for (const type of [CORE.job, CORE.pod, CORE.secret])
        await expect.poll(() => listAll(cluster.client, type)).toEqual([]);
    });
  },
);
