import { RESOURCES } from '@kmm-fleet/api';
import { CORE } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { SCENES } from './story/scenes.ts';
import { simulatedWorld } from './story/simulated-world.ts';
import { images, KERNEL_ANNOTATION, loadedModules, MCM, mcm, pinsOf, works } from './story/world.ts';

it('a cluster that cannot pull what its registry has lost gets it again, and no pin moves', async () => {
  const world = await simulatedWorld(9);
  for (const scene of SCENES.slice(0, 6)) await scene.run(world);
  const pinOf = async (cluster: string) =>
    pinsOf((await works(world)).find(({ metadata }) => metadata.namespace === cluster))[world.kernels.common];
  const [pin, built] = [await pinOf('east'), world.built.length];
  world.registry.wipe('my-kmod');

  // A node whose disk does not have that image boots its kernel.
  const annotations = { [KERNEL_ANNOTATION]: world.kernels.common };
  await world
    .cluster('edge')
    .mergePatch(CORE.node, { name: 'edge-1' }, { metadata: { annotations } }, { fieldManager: 'user' });
  const startedMs = world.clock.now();
  await world.until('word of the image that has vanished', async () =>
    (await mcm(world))?.status?.waiting?.some(({ reason }) => reason === 'ImageVanished'),
  );
  await world.until(
    'modules on the node',
    async () => (await loadedModules(world, 'edge'))['edge-1']?.length === 2,
  );

  expect(world.clock.now() - startedMs).toBeLessThan(300_000);
  expect(await Promise.all(['east', 'west', 'edge'].map(pinOf))).toEqual([pin, pin, pin]);
  expect(world.built.length).toBe(built + 1);
  await world.stop();
});

it('a certificate that expires soon is told at the module, until another is stored', async () => {
  const world = await simulatedWorld(9);
  for (const scene of SCENES.slice(0, 6)) await scene.run(world);
  const [image] = await images(world);
  const condition = {
    type: 'CertificateExpires',
    status: 'True',
    reason: 'CertificateExpiresSoon',
    message: 'The certificate in Secret ns/cert expires on some day.',
    lastTransitionTime: '2027-01-01T00:00:00Z',
  };
  const told = async () =>
    (await mcm(world))?.status?.conditions?.find(({ type }) => type === 'CertificateExpires');
  const set = (conditions: readonly object[]) =>
    world.hub.mergePatch(
      RESOURCES.moduleImage,
      { name: image?.metadata.name ?? '' },
      { status: { conditions } },
      { subresource: 'status' },
    );
  expect(await told()).toBeUndefined();

  await set([condition]);
  await world.until('a condition', told);
  expect(await told()).toMatchObject({ reason: 'CertificateExpiresSoon', message: condition.message });
  expect((await mcm(world))?.metadata.name).toBe(MCM);

  await set([]);
  await world.until('its end', async () => (await told()) === undefined);
  await world.stop();
});

it('a fleet of OpenShifts needs no catalogue: spokes tell their systems, and the hub has the toolkits', async () => {
  const world = await simulatedWorld(9, '412.86.202302211547-0');
  for (const scene of SCENES.slice(0, 6)) await scene.run(world);

  expect(world.built.length).toBeGreaterThan(1);
  expect(await loadedModules(world, 'east')).toMatchObject({ 'east-1': { length: 2 } });
  await world.stop();
});
