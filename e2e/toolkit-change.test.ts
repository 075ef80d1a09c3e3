import { OPERATOR } from '@kmm-fleet/api';
import { pushImage } from '@kmm-fleet/images/testing';
import { CORE } from '@kmm-fleet/runtime';
import { describe, expect, it } from 'vitest';
import { addImageStreams, putToolkits } from './images/image-streams.ts';
import { type ImagesWorld, isReady, MODULE, madeOnce, story } from './images/images-world.ts';

const [FIRST, SECOND] = ['registry.test/toolkit:1', 'registry.test/toolkit:2'];
const ASKS = `${MODULE}ARG DTK_AUTO\nFROM \${DTK_AUTO}\n`;

const putCatalogue = ({ user }: ImagesWorld, image: string) => {
  const metadata = { name: OPERATOR.toolkits, namespace: OPERATOR.hubNamespace };
  const data = { all: `^.+$ ${image}` };
  const catalogue = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
  return user.apply(CORE.configMap, catalogue, { fieldManager: 'user', force: true });
};
const putTag = ({ user }: ImagesWorld, image: string) => putToolkits(user, { '412.86.1-0': image });

async function withToolkits(world: ImagesWorld): Promise<void> {
  for (const image of [FIRST, SECOND]) await pushImage(world.registry, image, {}, { '/README': image });
  await addImageStreams(world.user);
  world.systems.set('east', [{ kernel: '6.1.0-1', version: '412.86.1-0' }]);
}

describe('another toolkit', () => {
  it.each([
    ['in the catalogue', putCatalogue],
    ['in the stream', putTag],
  ])('%s ends a build with the one before, and builds at once', (_where, put) =>
    story(async (world) => {
      await withToolkits(world);
      await put(world, FIRST);
      await world.dockerfile(`${ASKS}RUN sleep infinity\n`);
      world.start();
      await world.want();
      await world.until(({ state }) => state === 'Building');

      await put(world, SECOND);
      await world.until(() => world.requests.length > 1, 5_000);
      expect(world.toolkits()).toEqual([FIRST, SECOND]);
    })(),
  );

  it.each([
    ['in the catalogue', putCatalogue],
    ['in the stream', putTag],
  ])('%s is looked at by an image that asks for one, and by no other', (_where, put) =>
    story(async (world) => {
      await withToolkits(world);
      await put(world, FIRST);
      await madeOnce(world);
      const passes = await world.passes();
      await put(world, SECOND);
      await world.clock.advance(5_000);
      expect(await world.passes()).toBe(passes);

      await world.dockerfile(ASKS);
      await world.until((status) => isReady(status) && world.requests.length === 2, 5_000);
      await put(world, FIRST);
      await world.until((status) => isReady(status) && world.requests.length === 3, 5_000);
      expect(world.toolkits()).toEqual([undefined, SECOND, FIRST]);
    })(),
  );
});
