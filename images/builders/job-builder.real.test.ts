import { join } from 'node:path';
import { CORE, listAll, systemClock } from '@kmm-fleet/runtime';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { BUILD_NAMESPACE, BUILDER, type BuildCluster, startJobCluster } from '../testing/build-cluster.ts';
import { processesIn } from '../testing/processes-in.ts';
import { pushImage } from '../testing/push-image.ts';
import { type RealRegistryWorld, skipReason, startRealRegistry } from '../testing/real-registry.ts';
import { runPodHere } from '../testing/run-pod-here.ts';
import { shellFiles } from '../testing/shell-files.ts';
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
      const { registry, address, access, wrongAccess, ca } = real;
      await pushImage(registry, `${address}/base/shell:1`, access, await shellFiles());
      cluster = startJobCluster(runPodHere(pods()));
      const builder = createJobBuilder({
        client: cluster.client,
        clock: systemClock,
        directory: join(real.directory, 'logs'),
        namespace: BUILD_NAMESPACE,
        image: 'registry.test/buildah:1',
        account: BUILDER,
        ca,
        bytesMax: 1024 ** 3,
        minutesMax: 5,
        tolerations: [],
        resources: { requests: undefined, limits: undefined },
        readLog: (file) => `cat ${file}`,
        lookMs: 50,
      });
      return {
        builder,
        registry,
        address,
        access,
        wrongAccess,
        from: `FROM ${address}/base/shell:1`,
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
