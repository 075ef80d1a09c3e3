import { type ModuleImageStatus, RESOURCES } from '@kmm-fleet/api';
import { imageLimits } from '@kmm-fleet/images';
import { answer, pushImage } from '@kmm-fleet/images/testing';
import { describe, expect, it } from 'vitest';
import {
  IMAGE,
  type ImagesWorld,
  imagesWorld,
  isReady,
  madeOnce,
  NAMESPACE,
  story,
} from './images/images-world.ts';

const HOUR_MS = 3_600_000;
const isMissing = ({ state }: ModuleImageStatus) => state === 'Missing';
const looks = ({ transport }: ImagesWorld) =>
  transport.requests.filter((line) => line.startsWith('HEAD /v2/kmod/manifests/sha256:'));

describe('an image that is ready', () => {
  it(
    'is looked up by its digest about once an hour, with one request',
    story(async (world) => {
      await madeOnce(world);
      world.transport.requests.length = 0;
      await world.clock.advance(30 * HOUR_MS);

      expect(looks(world)).toEqual(world.transport.requests);
      expect(world.transport.requests.length).toBeGreaterThan(22);
      expect(world.transport.requests.length).toBeLessThan(42);
      expect(world.written.at(-1)).toBe('Ready');
      expect(world.built).toHaveLength(1);
    }),
  );

  it(
    'stays ready while its registry is down or refuses the login',
    story(async (world) => {
      await madeOnce(world);
      const { length } = world.written;
      for (const status of [503, 401, 429]) {
        world.transport.fault = () => answer(status);
        await world.clock.advance(5 * HOUR_MS);
      }

      expect(world.written).toHaveLength(length);
      expect(await world.status()).toMatchObject({ state: 'Ready' });
    }),
  );

  it(
    'and vanishes is told, looked for once more, and made again as it was',
    story(async (world) => {
      const { digest } = await madeOnce(world);
      world.transport.wipe('kmod');
      const missing = await world.until(isMissing, 3 * HOUR_MS);
      expect(missing).toMatchObject({ reason: 'ImageVanished', digest });
      expect(await world.events()).toEqual(['BuildStarted', 'ImageVanished', 'Signed']);

      expect(await world.until(isReady)).toMatchObject({ digest, reason: 'Signed' });
      expect(world.written.slice(-5)).toEqual(['Missing', 'Building', 'Built', 'Signing', 'Ready']);
      expect(world.built).toHaveLength(2);
    }),
  );

  it(
    'is not made again when it is back at the second look',
    story(async (world) => {
      const { digest } = await madeOnce(world);
      world.transport.fault = ({ url }) => (url.includes('sha256:') ? answer(404) : undefined);
      await world.until(isMissing, 3 * HOUR_MS);
      world.transport.fault = undefined;

      expect(await world.until(isReady)).toMatchObject({ digest, reason: 'ImageCurrent' });
      expect(world.built).toHaveLength(1);
    }),
  );

  it(
    'is not moved by somebody who pushes under its tag',
    story(async (world) => {
      const { digest } = await madeOnce(world);
      await pushImage(world.registry, IMAGE, {}, { '/x': 'theirs' });
      await world.clock.advance(5 * HOUR_MS);

      expect(await world.status()).toMatchObject({ state: 'Ready', digest });
    }),
  );

  it('is only told of where that is the policy, until its recipe changes', async () => {
    const limits = { ...imageLimits(), vanished: 'Report' as const };
    await story(async (world) => {
      const { digest } = await madeOnce(world);
      world.transport.wipe('kmod');
      await world.until(isMissing, 3 * HOUR_MS);
      await world.clock.advance(5 * HOUR_MS);
      expect(await world.status()).toMatchObject({ state: 'Missing', reason: 'ImageVanished', digest });

      await world.want({ imageRebuildTriggerGeneration: 1 });
      expect((await world.until(isReady)).digest).not.toBe(digest);
      expect(world.built).toHaveLength(2);
    }, limits)();
  });
});

it(
  'imageRebuildTriggerGeneration builds again, from what the bases are by then',
  story(async (world) => {
    const { digest, bases } = await madeOnce(world);
    await pushImage(world.registry, 'registry.test/base:1', {}, { '/README': 'two' });
    await world.want({ imageRebuildTriggerGeneration: 1 });
    const after = await world.until((status) => isReady(status) && status.digest !== digest);

    expect(world.built).toHaveLength(2);
    expect(after.bases).not.toEqual(bases);
    await world.want({ imageRebuildTriggerGeneration: 1 });
    await world.clock.advance(60_000);
    expect(world.built).toHaveLength(2);
  }),
);

describe('images of one registry', () => {
  const wantMany = async (world: ImagesWorld, host: string, count: number) => {
    for (let n = 0; n < count; n++)
      await world.user.create(RESOURCES.moduleImage, {
        apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
        kind: 'ModuleImage',
        metadata: { name: `${host}-${n}` },
        spec: {
          image: `${host}/kmod:${n}`,
          kernelVersion: '6.1.0-1',
          module: { name: 'kmod', namespace: NAMESPACE },
          ...(host === 'built.test' && { build: { dockerfileConfigMap: { name: 'dockerfile' } } }),
        },
      });
  };
  const stateOf = async (world: ImagesWorld, name: string) =>
    ((await world.user.get(RESOURCES.moduleImage, { name }))?.['status'] as ModuleImageStatus | undefined)
      ?.state;

  it(
    'are looked up eight at once while it does not answer, and others do not wait for it',
    story(async (world) => {
      await pushImage(world.registry, 'quick.test/kmod:0', {}, { '/x': 'y' });
      let hanging = 0;
      const answerLate: (() => void)[] = [];
      const { request } = world.transport;
      world.transport.request = async (asked, signal) => {
        if (!asked.url.startsWith('https://slow.test/')) return request(asked, signal);
        hanging++;
        await new Promise<void>((resolve) => answerLate.push(resolve));
        hanging--;
        return answer(200, { 'docker-content-digest': `sha256:${'a'.repeat(64)}` });
      };
      world.start();
      await wantMany(world, 'slow.test', 60);
      await wantMany(world, 'quick.test', 1);
      await world.clock.advance(1_000);

      expect(hanging).toBe(8);
      expect(await stateOf(world, 'quick.test-0')).toBe('Ready');
      while (answerLate.length > 0) {
        answerLate.shift()?.();
        await world.clock.advance(10);
        expect(hanging).toBeLessThanOrEqual(8);
      }
      expect(await stateOf(world, 'slow.test-59')).toBe('Ready');
    }),
  );

  it(
    'are built two at once; the others say that they wait for their turn',
    story(async (world) => {
      await world.dockerfile('FROM registry.test/base:1\nRUN sleep infinity\n');
      world.start();
      await wantMany(world, 'built.test', 5);
      await world.clock.advance(1_000);
      const all = await Promise.all([0, 1, 2, 3, 4].map((n) => stateOf(world, `built.test-${n}`)));
      expect(all.filter((state) => state === 'Building')).toHaveLength(2);
      expect(all.filter((state) => state === 'Wanted')).toHaveLength(3);

      await world.dockerfile('FROM registry.test/base:1\n');
      await world.clock.advance(5 * HOUR_MS);
      const then = await Promise.all([0, 1, 2, 3, 4].map((n) => stateOf(world, `built.test-${n}`)));
      expect(new Set(then)).toEqual(new Set(['Ready']));
    }),
  );
});

it('limits are those of the settings', async () => {
  const world = await imagesWorld({ ...imageLimits(), buildMsMax: 60_000 });
  await world.dockerfile('FROM registry.test/base:1\nRUN sleep infinity\n');
  world.start();
  await world.want();
  await world.until(({ reason }) => reason === 'BuildTimedOut', 120_000);
  await world.stop();
});
