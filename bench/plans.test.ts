import { LABELS, type ModuleImageStatus, RESOURCES } from '@kmm-fleet/api';
import { CORE, listAll } from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HubOnly, hubWithClusters, module, reportApplied, untilWorks } from './fleet.ts';

const CLUSTERS = 300;

describe(`of ${CLUSTERS} clusters that want one image`, () => {
  let world: HubOnly;
  let name = '';
  let plansForModule = 0;
  beforeAll(async () => {
    world = await hubWithClusters(CLUSTERS);
    await world.user.create(RESOURCES.managedClusterModule, module());
    await untilWorks(world, CLUSTERS);
    await world.clock.advance(10_000);
    plansForModule = await world.plans();
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

  it('each is planned for a new module and for each thing that is told of its image, and not for its own work', () => {
    // What is told: that the registry is asked, and the digest.
    expect(plansForModule).toBe(3 * CLUSTERS);
  });

  it('none is planned when all report, and its module tells of them', async () => {
    const plans = await plansOf(async () => {
      for (let index = 0; index < CLUSTERS; index += 1) await reportApplied(world, `c${index}`, 1, 1);
    });

    expect(plans).toBe(0);
    expect(
      (await world.user.get(RESOURCES.managedClusterModule, { name: 'kmod' }))?.['status'],
    ).toMatchObject({
      numberApplied: CLUSTERS,
    });
  });

  it.each<[string, object]>([
    ['what it says', { spec: { workload: { manifests: [] } } }],
    ['whose it is', { metadata: { labels: { [LABELS.managedClusterModule]: null } } }],
  ])('one whose work somebody takes %s is planned alone, and has it back', async (_what, patch) => {
    const work = { namespace: 'c1', name: 'kmod' };
    const before = await world.user.get(RESOURCES.manifestWork, work);
    const plans = await plansOf(() => world.user.mergePatch(RESOURCES.manifestWork, work, patch, {}));
    const after = await world.user.get(RESOURCES.manifestWork, work);

    expect(after).toMatchObject({ spec: before?.['spec'], metadata: { labels: before?.metadata.labels } });
    expect(plans).toBe(1);
  });

  it('one whose work somebody deletes has it back', async () => {
    const work = { namespace: 'c1', name: 'kmod' };
    const before = await world.user.get(RESOURCES.manifestWork, work);
    const plans = await plansOf(() => world.user.delete(RESOURCES.manifestWork, work));

    expect(await world.user.get(RESOURCES.manifestWork, work)).toMatchObject({ spec: before?.['spec'] });
    expect(plans).toBeLessThanOrEqual(2);
  });

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

  it('each is planned once for a new digest, and not when the watch shows its work', async () => {
    const write = { status: { digest: `sha256:${'b'.repeat(64)}` } };
    const requests = world.requests();
    const plans = await plansOf(() =>
      world.user.mergePatch(RESOURCES.moduleImage, { name }, write, { subresource: 'status' }),
    );

    expect(world.requests() - requests).toBeGreaterThanOrEqual(CLUSTERS);
    expect(plans).toBe(CLUSTERS);
  });

  it('one that leaves is planned alone', async () => {
    const leave = { metadata: { labels: { site: 'none' } } };
    const plans = await plansOf(() =>
      world.user.mergePatch(RESOURCES.managedCluster, { name: 'c0' }, leave, {}),
    );

    expect(await status()).toMatchObject({ wantedBy: CLUSTERS - 1 });
    expect(plans).toBeLessThanOrEqual(2);
  });

  it('those that leave together are told in one event, and so is the one that left before', async () => {
    const leave = { metadata: { labels: { site: 'none' } } };
    for (let index = 1; index <= 100; index += 1)
      await world.user.mergePatch(RESOURCES.managedCluster, { name: `c${index}` }, leave, {});
    await world.clock.advance(10_000);

    const told = (await listAll(world.user, CORE.event)).filter(
      (event) => event['reason'] === 'ClustersLeft',
    );
    expect(told.map(({ involvedObject }) => involvedObject)).toEqual(
      Array(2).fill(expect.objectContaining({ kind: 'ManagedClusterModule', name: 'kmod' })),
    );
    expect(told.map(({ count, message }) => `${count} ${message}`).sort()).toEqual([
      expect.stringMatching(/^1 .*: c0\.$/),
      expect.stringMatching(/^1 .*: c1, c10, .* and 90 more\.$/),
    ]);
  });
});
