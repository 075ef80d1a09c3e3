import { type ModuleImageStatus, RESOURCES } from '@kmm-fleet/api';
import { expect, it } from 'vitest';
import { IMAGE, type ImagesWorld, story } from './images/images-world.ts';

const KERNELS = ['6.1.0-1', '6.1.0-2', '6.1.0-3'];
const nameOf = (kernel: string) => `image-${kernel.replaceAll('.', '-')}`;

/** Images of several kernels, none of which is in the tag. */
async function wantAll(world: ImagesWorld, image = () => IMAGE) {
  for (const kernelVersion of KERNELS)
    await world.want({ image: image(), kernelVersion, sign: undefined }, nameOf(kernelVersion));
}

function allReady(statuses: readonly ModuleImageStatus[]) {
  return statuses.every(({ state }) => state === 'Ready');
}

it(
  'kernels whose images have one tag are built one after the other, each once, and none replaces another',
  story(async (world) => {
    world.start();
    await wantAll(world);

    const statuses = await world.untilAll(KERNELS.map(nameOf), allReady);
    await world.clock.advance(7_200_000);

    const built = world.requests.map(({ buildArgs }) => buildArgs['KERNEL_FULL_VERSION'] ?? '');
    expect(built.sort()).toEqual(KERNELS);
    expect(world.atOnceMax(IMAGE)).toBe(1);
    expect(new Set(statuses.map(({ digest }) => digest)).size).toBe(KERNELS.length);
    for (const { digest } of statuses)
      expect(await world.registry.resolve(`registry.test/kmod@${digest}`, {})).toBe(digest);
  }),
);

it(
  'a tag written in two ways is one tag',
  story(async (world) => {
    const spellings = ['kmod', 'docker.io/library/kmod:latest', 'docker.io/kmod'];
    world.start();
    await wantAll(world, () => spellings.pop() ?? '');

    await world.untilAll(KERNELS.map(nameOf), allReady);

    expect(world.requests).toHaveLength(KERNELS.length);
    expect(world.atOnceMax()).toBe(1);
  }),
);

it(
  'who waits for another kernel under its tag says so, and holds up no other image',
  story(async (world) => {
    world.start();
    await world.dockerfile('FROM scratch\nRUN sleep infinity\n');
    await wantAll(world);
    await world.clock.advance(5_000);
    const waiting = await Promise.all(KERNELS.map((kernel) => world.status(nameOf(kernel))));

    expect(waiting.map(({ state = 'none' }) => state).sort()).toEqual(['Building', 'Wanted', 'Wanted']);
    expect(waiting.map(({ message }) => message)).toContain(
      'Waits for its turn: no more than 2 images are built at once, and one under each tag.',
    );

    await world.want({ image: 'registry.test/other:1', sign: undefined }, 'other');
    await world.until(({ state }) => state === 'Building', undefined, 'other');
    expect(world.requests).toHaveLength(2);

    const first = KERNELS.filter((_kernel, index) => waiting[index]?.state === 'Building').map(nameOf);
    for (const name of first) await world.user.delete(RESOURCES.moduleImage, { name });
    const others = KERNELS.map(nameOf).filter((name) => !first.includes(name));
    await world.untilAll(others, (statuses) => statuses.some(({ state }) => state === 'Building'));
    expect(world.atOnceMax(IMAGE)).toBe(1);
  }),
);
