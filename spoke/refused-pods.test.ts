import { type ModuleStatus, RESOURCES } from '@kmm-fleet/api';
import { CORE, createManualClock, createRandom, type KubeObject, silentLog } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { createSpoke } from './start-spoke.ts';
import { K1, moduleObject, NAMESPACE, SELECTOR } from './testing/fixtures.ts';
import { createMemoryCluster } from './testing/memory-cluster.ts';
import { node } from './testing/memory-nodes.ts';

it('pods that the cluster refuses to make are told while they are missing, and forgotten once they are there', async () => {
  const [clock, cluster, stop] = [createManualClock(), createMemoryCluster(), new AbortController()];
  cluster.put(CORE.node, node('n1', K1, SELECTOR));
  cluster.put(RESOURCES.module, moduleObject());
  const spoke = createSpoke({
    ...{ client: cluster.client, clock, random: createRandom(1), log: silentLog },
    events: { record: () => {}, flush: async () => {} },
    operatorNamespace: NAMESPACE,
    isManaged: true,
  });
  const running = spoke.run(stop.signal);
  await clock.advance(1_000);
  const [set] = cluster.all(CORE.daemonSet) as [KubeObject];
  const degraded = async (currentNumberScheduled: number) => {
    const numbers = { observedGeneration: 1, desiredNumberScheduled: 1, currentNumberScheduled };
    cluster.put(CORE.daemonSet, { ...set, status: numbers });
    await clock.advance(1_000);
    const told = cluster.get(RESOURCES.module, `${NAMESPACE}/kmod`)?.['status'] as ModuleStatus | undefined;
    return told?.conditions?.find(({ type }) => type === 'Degraded');
  };

  expect(await degraded(0)).toMatchObject({ reason: 'NoFailure' });
  const { namespace, name, uid } = set.metadata;
  cluster.put(CORE.event, {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { namespace: NAMESPACE, name: 'refused' },
    involvedObject: { kind: 'DaemonSet', namespace, name, uid },
    reason: 'FailedCreate',
    message: 'Error creating: pods "p-1" is forbidden: exceeded quota',
    lastTimestamp: '2026-01-01T00:00:00Z',
  });
  await clock.advance(1_000);
  expect(await degraded(0)).toMatchObject({
    status: 'True',
    reason: 'PodsRefused',
    message: expect.stringContaining('spec.moduleLoader: No pod can be made: exceeded quota.'),
  });
  expect(await degraded(1)).toMatchObject({ status: 'False', reason: 'NoFailure' });

  stop.abort();
  await running;
});
