import type { ModuleImageStatus } from '@kmm-fleet/api';
import { makeModule, pushImage } from '@kmm-fleet/images/testing';
import { describe, expect, it } from 'vitest';
import { BASE, IMAGE, isReady, NAMESPACE, story } from './images/images-world.ts';

const FILES = { '/opt/lib/modules/6.1.0-1/kmod.ko': makeModule({ name: 'kmod', kernel: '6.1.0-1' }) };
const UNSIGNED = `${IMAGE}_${NAMESPACE}_kmod_kmm_unsigned`;
const isMissing = ({ state }: ModuleImageStatus) => state === 'Missing';

describe('where somebody else builds', () => {
  it.each([
    ['an image is waited for under its own name', { sign: undefined }, IMAGE, 'ImageExists'],
    ['an image to sign is waited for under its unsigned name, and signed', {}, UNSIGNED, 'Signed'],
  ])('%s', (_what, recipe, pushed, reason) =>
    story(
      async (world) => {
        // Nobody here asks for a toolkit, or for bases.
        await world.dockerfile('ARG DTK_AUTO\nFROM ${DTK_AUTO}\nFROM registry.test/none:1\n');
        world.start();
        await world.want(recipe);
        const missing = await world.until(isMissing);
        expect(missing).toMatchObject({ reason: 'ImageAwaited' });
        expect(missing.message).toContain(`${pushed} does not exist yet`);

        await pushImage(world.registry, pushed, {}, FILES);
        expect(await world.until(isReady, 3_600_000)).toMatchObject({ reason });
        expect(world.written).not.toContain('Building');
      },
      undefined,
      'elsewhere',
    )(),
  );

  it(
    'the image stays as it is when the Dockerfile changes, and is looked up anew when its generation is raised',
    story(
      async (world) => {
        await pushImage(world.registry, IMAGE, {}, FILES);
        world.start();
        await world.want({ sign: undefined });
        const { digest } = await world.until(isReady);
        const newer = await pushImage(world.registry, IMAGE, {}, { ...FILES, '/newer': '' });

        await world.dockerfile(`FROM ${BASE}\nRUN true\n`);
        await world.clock.advance(60_000);
        expect(await world.status()).toMatchObject({ digest, state: 'Ready' });

        await world.want({ sign: undefined, imageRebuildTriggerGeneration: 1 });
        expect(await world.until((status) => status.digest !== digest)).toMatchObject({ digest: newer });
      },
      undefined,
      'elsewhere',
    ),
  );
});
