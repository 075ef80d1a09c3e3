import { RESOURCES } from '@kmm-fleet/api';
import { CORE, createManualClock, createRandom, silentLog } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { createSpoke } from '../start-spoke.ts';
import { K1, K2, NAMESPACE } from '../testing/fixtures.ts';
import { createMemoryCluster } from '../testing/memory-cluster.ts';
import { node } from '../testing/memory-nodes.ts';

const CLAIM = 'kernel-versions.kmm.node.kubernetes.io';

it('the claim is right 20 ms after a node runs another kernel, comes, or goes, in one write each', async () => {
  const [clock, cluster, stop] = [createManualClock(), createMemoryCluster(), new AbortController()];
  cluster.put(CORE.node, node('n1', K1));
  cluster.put(CORE.node, node('n2', K1));
  const spoke = createSpoke({
    ...{ client: cluster.client, clock, random: createRandom(1), log: silentLog },
    events: { record: () => {}, flush: async () => {} },
    operatorNamespace: NAMESPACE,
    isManaged: true,
  });
  const running = spoke.run(stop.signal);
  await clock.advance(1_000);
  const before = cluster.calls.length;
  const claimAfter = async (change: () => void) => {
    change();
    await clock.advance(20);
    return cluster.get(RESOURCES.clusterClaim, CLAIM)?.['spec'];
  };

  expect(await claimAfter(() => cluster.put(CORE.node, node('n2', K2)))).toEqual({ value: `${K1}\n${K2}` });
  expect(await claimAfter(() => cluster.remove(CORE.node, 'n2'))).toEqual({ value: K1 });
  expect(await claimAfter(() => cluster.put(CORE.node, node('n3', K2)))).toEqual({ value: `${K1}\n${K2}` });
  expect(cluster.calls.slice(before).filter(({ kind }) => kind === 'ClusterClaim')).toHaveLength(3);

  stop.abort();
  await running;
});
