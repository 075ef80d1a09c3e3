import { RESOURCES } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import { CORE } from '@kmm-fleet/runtime';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type Simulation, simulateFleet } from '../testing/simulation.ts';
import { planClaims } from './plan-claims.ts';

const claim = (name: string, value = 'value', labels?: Record<string, string>): KubeObject => ({
  apiVersion: 'cluster.open-cluster-management.io/v1alpha1',
  kind: 'ClusterClaim',
  metadata: { name, ...(labels && { labels }) },
  spec: { value },
});

describe('claims that the hub gets to see', () => {
  it('are sorted, without those that are for the spoke only', () => {
    const only = { 'open-cluster-management.io/spoke-only': '' };
    expect(planClaims([claim('b'), claim('a'), claim('c', 'x', only)])).toEqual({
      claims: [
        { name: 'a', value: 'value' },
        { name: 'b', value: 'value' },
      ],
      truncated: [],
    });
  });

  it('are the first twenty by name, and all reserved ones', () => {
    const many = Array.from({ length: 22 }, (_, index) => claim(`a${String(index).padStart(2, '0')}`));
    const plan = planClaims([...many, claim('id.k8s.io'), claim('z.kmm.example')], ['kmm.example']);
    expect(plan.claims).toHaveLength(22);
    expect(plan.claims.map(({ name }) => name)).toContain('z.kmm.example');
    expect(plan.truncated).toEqual(['a20', 'a21']);
  });

  it('are no longer than the hub’s schema allows', () => {
    const plan = planClaims([
      claim('fits', 'x'.repeat(1_024)),
      claim('long', 'x'.repeat(1_025)),
      claim('none', ''),
    ]);
    expect(plan.claims.map(({ name }) => name)).toEqual(['fits']);
  });

  it('are each either shown or said to be cut off, whatever their order', () => {
    const anyNames = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,4}$/), { maxLength: 40 });
    fc.assert(
      fc.property(anyNames, (names) => {
        const plan = planClaims(names.map((name) => claim(name)));
        const shown = plan.claims.map(({ name }) => name);
        expect([...shown, ...plan.truncated].sort()).toEqual([...names].sort());
        expect(shown.length).toBeLessThanOrEqual(20);
        expect(planClaims([...names].reverse().map((name) => claim(name)))).toEqual(plan);
      }),
    );
  });
});

describe('registration', () => {
  let simulation: Simulation | undefined;
  afterEach(async () => {
    await simulation?.stop();
    simulation = undefined;
  });
  const start = () => {
    simulation = simulateFleet([{ name: 'c1', nodes: [] }]);
    return simulation;
  };
  const statusOn = async ({ hub }: Simulation) =>
    ((await hub.get(RESOURCES.managedCluster, { name: 'c1' }))?.['status'] ?? {}) as {
      clusterClaims?: { name: string; value: string }[];
      conditions?: { type: string; status: string }[];
    };

  it('joins a cluster and brings its claims to the hub as they change', async () => {
    const made = start();
    await made.until('three conditions', async () => (await statusOn(made)).conditions?.length === 3);
    expect((await statusOn(made)).conditions?.map(({ type, status }) => [type, status])).toEqual([
      ['HubAcceptedManagedCluster', 'True'],
      ['ManagedClusterConditionAvailable', 'True'],
      ['ManagedClusterJoined', 'True'],
    ]);
    await made.spoke().create(RESOURCES.clusterClaim, claim('kernels', 'one'));
    await made.until('a claim', async () => (await statusOn(made)).clusterClaims?.[0]?.value === 'one');
    await made
      .spoke()
      .mergePatch(RESOURCES.clusterClaim, { name: 'kernels' }, { spec: { value: 'two' } }, {});
    await made.until('a change', async () => (await statusOn(made)).clusterClaims?.[0]?.value === 'two');
    await made.spoke().delete(RESOURCES.clusterClaim, { name: 'kernels' });
    await made.until('no claim', async () => (await statusOn(made)).clusterClaims?.length === 0);
  });

  it('says once which claims were cut off', async () => {
    const made = start();
    for (let index = 0; index < 21; index++) {
      await made.spoke().create(RESOURCES.clusterClaim, claim(`c${String(index).padStart(2, '0')}`));
    }
    await made.clock.advance(10_000);
    const events: KubeObject[] = [];
    for await (const page of made.spoke().list(CORE.event)) events.push(...page.items);
    expect(events.map((event) => [event['reason'], event['message']])).toEqual([
      ['CustomClusterClaimsTruncated', 'Custom cluster claims are truncated, these are not reported: c20'],
    ]);
  });

  it('keeps out what a cluster says that was not let in', async () => {
    const made = start();
    await made.hub.mergePatch(
      RESOURCES.managedCluster,
      { name: 'c1' },
      { spec: { hubAcceptsClient: false } },
      {},
    );
    await made.spoke().create(RESOURCES.clusterClaim, claim('kernels', 'one'));
    await made.clock.advance(10_000);
    const { clusterClaims = [], conditions = [] } = await statusOn(made);
    expect(clusterClaims).toEqual([]);
    expect(conditions.find(({ type }) => type === 'HubAcceptedManagedCluster')?.status).toBe('False');
  });
});
