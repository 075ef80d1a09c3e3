import { RESOURCES } from '@kmm-fleet/api';
import { CORE, type KubeObject, listAll } from '@kmm-fleet/runtime';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fleetView, planItems } from '../cli/hub/fleet-view.ts';
import { planEffects } from '../cli/plan/plan-effects.ts';
import { SCENES } from './story/scenes.ts';
import { type SimulatedWorld, simulatedWorld } from './story/simulated-world.ts';
import { HUB_NAMESPACE, images, loadedModules, MCM, mcm, works } from './story/world.ts';

const LABEL = 'node-wants-my-mcm';
let world: SimulatedWorld;

beforeAll(async () => {
  world = await simulatedWorld(11);
  for (const scene of SCENES.slice(0, 6)) await scene.run(world);
});
afterAll(() => world.stop());

const loaded = async () => {
  const nodes = await Promise.all(world.clusters.map((cluster) => loadedModules(world, cluster)));
  return nodes.flatMap(Object.values).filter((modules: string[]) => modules.length > 0).length;
};
const ready = async () => (await mcm(world))?.status?.conditions?.find(({ type }) => type === 'Ready');
const events = async () =>
  (await listAll(world.hub, CORE.event)).filter(({ reason }) => reason === 'NoNodeSelected');
/** Nodes that lose the module by `kmm plan`, for an edit of the nodes' selector. */
async function planned(selector: Record<string, string>): Promise<number> {
  const object = structuredClone(await mcm(world)) as unknown as KubeObject;
  Object.assign((object['spec'] as { moduleSpec: object }).moduleSpec, { selector });
  const clusters = await listAll(world.hub, RESOURCES.managedCluster);
  const fleet = fleetView(clusters, await works(world), await images(world), HUB_NAMESPACE);
  const effects = planItems(MCM, object, fleet).flatMap(planEffects);
  return effects
    .filter(({ kind }) => kind === 'unload')
    .reduce((sum, { nodes = Number.NaN }) => sum + nodes, 0);
}
const select = (selector: Record<string, string | null>) =>
  world.hub.mergePatch(
    RESOURCES.managedClusterModule,
    { name: MCM },
    { spec: { moduleSpec: { selector } } },
    {},
  );

it('a selector of nodes that is mistyped says beforehand and afterwards what it does', async () => {
  const before = await loaded();
  expect(before).toBeGreaterThan(1);
  expect(await planned({ [LABEL]: 'true' })).toBe(0);
  expect(await planned({ [LABEL]: 'treu' })).toBe(before);
  // That nothing was said before it happened shows that the event is of this edit.
  expect(await events()).toEqual([]);

  await select({ [LABEL]: 'treu' });
  await world.until('no node has it', async () => (await loaded()) === 0);
  await world.until('the reason', async () => (await ready())?.reason === 'NoNodeSelected');

  expect(await ready()).toMatchObject({
    status: 'False',
    message: expect.stringMatching(
      /^spec\.moduleSpec\.selector: No cluster reports a node with .* kubectl label node NODE/,
    ),
  });
  await world.until('the event', async () => (await events()).length > 0);
  expect(await events()).toMatchObject([{ type: 'Warning', involvedObject: { name: MCM } }]);

  await select({ [LABEL]: 'true' });
  await world.until('all is loaded again', async () => (await loaded()) === before);
  await world.until('another reason', async () => (await ready())?.reason !== 'NoNodeSelected');
});
