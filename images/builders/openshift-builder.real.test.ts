import { join } from 'node:path';
import { RESOURCES } from '@kmm-fleet/api';
import { CORE, listAll, systemClock } from '@kmm-fleet/runtime';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { BUILD_NAMESPACE, type BuildCluster, startOpenshift } from '../testing/build-cluster.ts';
import { processesIn } from '../testing/processes-in.ts';
import { pushImage } from '../testing/push-image.ts';
import { type RealRegistryWorld, skipReason, startRealRegistry } from '../testing/real-registry.ts';
import { shellFiles } from '../testing/shell-files.ts';
import { createBuildah } from './buildah.ts';
import { describeBuilder } from './builder.contract.ts';
import { createOpenshiftBuilder } from './openshift-builder.ts';

const reason = skipReason('buildah', 'root');

describe.skipIf(reason !== '')(
  `a Build that buildah executes on a real registry${reason && ` (${reason})`}`,
  () => {
    let real: RealRegistryWorld;
    let cluster: BuildCluster;
    const builds = () => join(real.directory, 'builds');
    afterAll(async () => {
      await cluster?.runner.stop();
      await real?.close();
    });

    describeBuilder(
      'a Build of OpenShift',
      async () => {
        real = await startRealRegistry();
        const { registry, address, access, wrongAccess, ca } = real;
        await pushImage(registry, `${address}/base/shell:1`, access, await shellFiles());
        cluster = startOpenshift(createBuildah({ directory: builds(), ca }));
        const builder = createOpenshiftBuilder({
          client: cluster.client,
          clock: systemClock,
          registry,
          directory: join(real.directory, 'logs'),
          namespace: BUILD_NAMESPACE,
          bytesMax: 1024 ** 3,
          minutesMax: 5,
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
            await vi.waitUntil(() => processesIn(builds()).includes('sleep'), { timeout: 60_000 });
          },
          close: async () => {},
        };
      },
      { stamps: true },
    );

    it('leaves nothing of its builds behind on the cluster', async () => {
      for (const type of [RESOURCES.build, CORE.secret])
        await expect.poll(() => listAll(cluster.client, type)).toEqual([]);
      expect(processesIn(builds())).toEqual([]);
    });
  },
);
