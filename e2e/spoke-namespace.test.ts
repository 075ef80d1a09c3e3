import { RESOURCES } from '@kmm-fleet/api';
import { CORE } from '@kmm-fleet/runtime';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SCENES } from './story/scenes.ts';
import { type SimulatedWorld, simulatedWorld } from './story/simulated-world.ts';
import { loadedModules, MCM, mcm, NAMESPACE, pods, works } from './story/world.ts';

const MISSING = 'openshift-kmmm';
const OTHER = 'drivers';
let world: SimulatedWorld;

const setNamespace = (spokeNamespace: string) =>
  world.hub.mergePatch(RESOURCES.managedClusterModule, { name: MCM }, { spec: { spokeNamespace } }, {});
const select = (value: 'true' | null) => {
  const labels = { 'wants-my-mcm': value };
  return world.hub.mergePatch(RESOURCES.managedCluster, { name: 'west' }, { metadata: { labels } }, {});
};
const namespaces = async () =>
  Object.fromEntries(
    (await works(world)).map(({ metadata, spec }) => [
      metadata.namespace,
      spec.workload?.manifests?.[0]?.metadata.namespace,
    ]),
  );
const running = async () =>
  (await Promise.all(world.clusters.map((cluster) => pods(world, cluster))))
    .flat()
    .map(({ metadata }) => metadata.uid);
const told = (reason: string, count: number) =>
  world.until(reason, async () => {
    const waiting = (await mcm(world))?.status?.waiting ?? [];
    const found = waiting.filter((one) => one.reason === reason);
    return found.length === count && found;
  });

beforeAll(async () => {
  world = await simulatedWorld(9);
  await SCENES[0]?.run(world);
});
afterAll(() => world.stop());

it('a namespace that was mistyped from the start is put right, since nothing runs there', async () => {
  await setNamespace(MISSING);
  await told('WorkNotApplied', 3);

  await setNamespace(NAMESPACE);
  for (const scene of SCENES.slice(1, 6)) await scene.run(world);

  expect(new Set(Object.values(await namespaces()))).toEqual(new Set([NAMESPACE]));
});

it.each([
  ['that no cluster has', MISSING],
  ['that clusters have', 'default'],
])('a namespace %s, mistyped later, moves nothing, also by a hub that starts again', async (_which, typo) => {
  const before = { pods: await running(), west: await loadedModules(world, 'west') };

  await setNamespace(typo);
  const [first] = await told('SpokeNamespaceChanged', 3);
  await world.killHub();
  await world.clock.advance(60_000);

  expect(first?.message).toContain(`The Module stays in ${NAMESPACE}`);
  expect({ pods: await running(), west: await loadedModules(world, 'west') }).toEqual(before);
  await setNamespace(NAMESPACE);
  await world.until('all well again', async () => (await mcm(world))?.status?.clusters?.ready === 2);
  expect(await running()).toEqual(before.pods);
});

it('a cluster that was out of the selection comes back in the new namespace', async () => {
  const secret = await world
    .cluster('west')
    .get(CORE.secret, { namespace: NAMESPACE, name: 'repo-pull-secret' });
  await world
    .cluster('west')
    .create(CORE.namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: OTHER } });
  await world.cluster('west').create(CORE.secret, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: OTHER, name: 'repo-pull-secret' },
    data: secret?.['data'],
    type: secret?.['type'],
  });
  await setNamespace(OTHER);
  await told('SpokeNamespaceChanged', 3);

  await select(null);
  await world.until('no work', async () => !('west' in (await namespaces())));
  await select('true');
  await world.until('the module again', async () => (await mcm(world))?.status?.clusters?.ready === 1);

  expect(await namespaces()).toEqual({ east: NAMESPACE, edge: NAMESPACE, west: OTHER });
  const modules = Object.values(await loadedModules(world, 'west'));
  expect(modules.every((one) => one.length > 0)).toBe(true);
});
