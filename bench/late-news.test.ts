import { RESOURCES } from '@kmm-fleet/api';
import { CORE } from '@kmm-fleet/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HubOnly, hubWithClusters, module, reportApplied, untilWorks } from './fleet.ts';

const KMOD = { name: 'kmod' };

describe('a hub to which nobody tells', () => {
  let world: HubOnly;
  beforeEach(async () => {
    world = await hubWithClusters(2);
  });
  afterEach(() => world.stop());
  const status = async () =>
    JSON.stringify((await world.user.get(RESOURCES.managedClusterModule, KMOD))?.['status']);

  it('that a namespace has come sends the work of its cluster all the same, and says until then what it waits for', async () => {
    await world.user.delete(CORE.namespace, { name: 'c1' });
    await world.user.create(RESOURCES.managedClusterModule, module());
    await untilWorks(world, 1);
    await world.clock.advance(5_000);
    expect(await status()).toContain('ClusterNamespaceMissing');

    await world.user.create(CORE.namespace, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'c1' },
    });
    await world.clock.advance(60_000);

    expect(await world.user.get(RESOURCES.manifestWork, { namespace: 'c1', ...KMOD })).toBeDefined();
    expect(await status()).not.toContain('ClusterNamespaceMissing');
  });

  it('why a status has changed puts it right', async () => {
    await world.user.create(RESOURCES.managedClusterModule, module());
    await untilWorks(world, 2);
    for (const cluster of ['c0', 'c1']) await reportApplied(world, cluster, 1);
    const before = await status();
    expect(before).toContain('"numberApplied":2');

    const wrong = { status: { numberApplied: 7 } };
    await world.user.mergePatch(RESOURCES.managedClusterModule, KMOD, wrong, { subresource: 'status' });
    await world.clock.advance(5_000);

    expect(await status()).toBe(before);
  });
});
