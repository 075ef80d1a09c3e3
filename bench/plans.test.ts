import { type ModuleImageStatus, RESOURCES } from '@kmm-fleet/api';
import { listAll } from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HubOnly, hubWithClusters, module, untilWorks } from './fleet.ts';

const CLUSTERS = 300;

describe(`of ${CLUSTERS} clusters that want one image`, () => {
  let world: HubOnly;
  let name = '';
  beforeAll(async () => {
    world = await hubWithClusters(CLUSTERS);
    await world.user.create(RESOURCES.managedClusterModule, module());
    await untilWorks(world, CLUSTERS);
    await world.clock.advance(10_000);
    name = (await listAll(world.user, RESOURCES.moduleImage))[0]?.metadata.name ?? '';
  });
  afterAll(() => world?.stop());

  const status = async () =>
    (await world.user.get(RESOURCES.moduleImage, { name }))?.['status'] as ModuleImageStatus;
  /** How many clusters are planned because of what a user does. */
  const plansOf = async (act: () => Promise<unknown>) => {
    const before = await world.plans();
    await act();
    await world.clock.advance(10_000);
    return (await world.plans()) - before;
  };

  it('none is planned when only its count is written, by whomever', async () => {
    const write = { status: { wantedBy: 1 } };
    const plans = await plansOf(() =>
      world.user.mergePatch(RESOURCES.moduleImage, { name }, write, { subresource: 'status' }),
    );

    // The hub has written its own count meanwhile.
    expect(await status()).toMatchObject({ state: 'Ready', wantedBy: CLUSTERS });
    expect(plans).toBe(0);
  });

  it('none is planned when its state is told again', async () => {
    const touch = { metadata: { labels: { touched: 'yes' } } };

    expect(await plansOf(() => world.user.mergePatch(RESOURCES.moduleImage, { name }, touch, {}))).toBe(0);
  });

  it('each is planned once for a new digest, and once when the watch shows its work', async () => {
    const write = { status: { digest: `sha256:${'b'.repeat(64)}` } };
    const requests = world.requests();
    const plans = await plansOf(() =>
      world.user.mergePatch(RESOURCES.moduleImage, { name }, write, { subresource: 'status' }),
    );

    expect(world.requests() - requests).toBeGreaterThanOrEqual(CLUSTERS);
    expect(plans).toBe(2 * CLUSTERS);
  });

  it('one that leaves is planned alone', async () => {
    const leave = { metadata: { labels: { site: 'none' } } };
    const plans = await plansOf(() =>
      world.user.mergePatch(RESOURCES.managedCluster, { name: 'c0' }, leave, {}),
    );

    expect(await status()).toMatchObject({ wantedBy: CLUSTERS - 1 });
    expect(plans).toBeLessThanOrEqual(2);
  });
});
