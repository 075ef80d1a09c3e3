import { join } from 'node:path';
import { RESOURCES } from '@kmm-fleet/api';
import { CORE, listAll } from '@kmm-fleet/runtime';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { BUILD_SETTINGS, type BuildCluster, startOpenshift } from '../testing/build-cluster.ts';
import { processesIn } from '../testing/processes-in.ts';
import { type RealRegistryWorld, skipReason, startRealRegistry } from '../testing/real-registry.ts';
import { shellTarget } from '../testing/shell-target.ts';
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
        const target = await shellTarget(real);
        cluster = startOpenshift(createBuildah({ directory: builds(), ca: real.ca }));
        const builder = createOpenshiftBuilder({
          ...BUILD_SETTINGS,
          client: cluster.client,
          registry: target.registry,
          directory: join(real.directory, 'logs'),
          lookMs: 50,
        });
        return {
          ...target,
          builder,
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
