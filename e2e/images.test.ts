import { LABELS, OPERATOR, RESOURCES, type TlsOptions } from '@kmm-fleet/api';
import { signModule } from '@kmm-fleet/images';
import { answer, createFakeBuilder, makeModule, pushImage, testPair } from '@kmm-fleet/images/testing';
import type { Fault } from '@kmm-fleet/lab';
import { CORE } from '@kmm-fleet/runtime';
import { describe, expect, it } from 'vitest';
import {
  BASE,
  IMAGE,
  type ImagesWorld,
  isReady,
  MODULE,
  madeOnce,
  NAMESPACE,
  story,
} from './images/images-world.ts';

const DAY_MS = 86_400_000;
const module = makeModule({ name: 'kmod', kernel: '6.1.0-1' });
const CENTURY_MS = 100 * 365 * 86_400_000;

describe('an image', () => {
  it(
    'is looked up, built, signed and ready, each said once',
    story(async (world) => {
      await madeOnce(world);

      expect(world.written).toEqual(['Wanted', 'Building', 'Built', 'Signing', 'Ready']);
      expect(await world.events()).toEqual(['BuildStarted', 'Signed']);
    }),
  );

  it(
    'is built from its base by digest, also when the tag moves meanwhile',
    story(async (world) => {
      const hashed = await world.registry.resolve(BASE, {});
      await madeOnce(world);

      expect(world.requests[0]?.dockerfile).toBe(`${MODULE}FROM registry.test/base@${hashed}\n`);
    }),
  );

  it(
    'is made without a look at tokens of accounts, which nobody names for it',
    story(async (world) => {
      const token = 'kubernetes.io/service-account-token';
      const asked: string[] = [];
      world.hub.setFault(({ method, headers, path }): Fault => {
        const isRead = method === 'GET' && headers['user-agent'] === 'images' && path.includes('/secrets?');
        if (isRead) asked.push(new URL(path, 'https://hub').searchParams.get('fieldSelector') ?? '');
        return undefined;
      });
      await madeOnce(world);

      expect(asked.length).toBeGreaterThanOrEqual(2); // a list and a watch
      for (const selector of asked) expect(selector.split(',')).toContain(`type!=${token}`);
    }),
  );

  it(
    'stays when the tag of its base moves',
    story(async (world) => {
      const { digest } = await madeOnce(world);
      await pushImage(world.registry, BASE, {}, { '/README': 'two' });
      await world.user.mergePatch(
        CORE.configMap,
        { namespace: NAMESPACE, name: 'dockerfile' },
        { metadata: { labels: { touched: 'yes' } } },
        {},
      );
      await world.clock.advance(60_000);

      expect(await world.status()).toMatchObject({ state: 'Ready', digest });
      expect(world.built).toHaveLength(1);
    }),
  );

  it(
    'is signed again with a new key, from what was built',
    story(async (world) => {
      const { digest, bases } = await madeOnce(world);
      await pushImage(world.registry, BASE, {}, { '/README': 'two' });
      await world.keys('ec');
      const after = await world.until((status) => isReady(status) && status.digest !== digest);

      expect(world.built).toHaveLength(1);
      expect(after.bases).toEqual(bases);
    }),
  );

  it(
    'forgets bases that its Dockerfile no longer has',
    story(async (world) => {
      const { digest } = await madeOnce(world);
      await world.dockerfile(`${MODULE}FROM scratch\n`);
      const after = await world.until((status) => isReady(status) && status.digest !== digest);

      expect(after).not.toHaveProperty('bases');
      expect(after).not.toHaveProperty('staticHash');
    }),
  );

  it(
    'is not built again when its object was lost',
    story(async (world) => {
      const { digest } = await madeOnce(world);
      await world.user.delete(RESOURCES.moduleImage, { name: 'image' });
      await world.want();

      expect(await world.until(isReady)).toMatchObject({ digest, reason: 'ImageCurrent' });
      expect(world.built).toHaveLength(1);
    }),
  );

  it(
    'that somebody else pushed and signed is taken, also when the registry was down at first',
    story(async (world) => {
      const theirs = signModule(module, testPair('rsa'));
      const digest = await pushImage(
        world.registry,
        IMAGE,
        {},
        { '/opt/lib/modules/6.1.0-1/kmod.ko': theirs },
      );
      world.transport.fault = () => ({ status: 503, headers: {}, body: (async function* () {})() });
      world.start();
      await world.want();
      await world.until(({ state }) => state === 'Failed');
      world.transport.fault = undefined;

      expect(await world.until(isReady)).toMatchObject({ digest, reason: 'ImageExists' });
      expect(world.built).toEqual([]);
    }),
  );

  it.each([
    ['without the signature that is asked for', { '/opt/lib/modules/6.1.0-1/kmod.ko': module }],
    [
      'with the signature of another key',
      { '/opt/lib/modules/6.1.0-1/kmod.ko': signModule(module, testPair('stranger')) },
    ],
    ['without a module', { '/opt/x': 'theirs' }],
  ])('that somebody else pushed %s is built and signed', (_what, theirs) =>
    story(async (world) => {
      const digest = await pushImage(world.registry, IMAGE, {}, theirs);
      world.start();
      await world.want();

      const ready = await world.until(isReady);
      expect(ready.reason).toBe('Signed');
      expect(ready.digest).not.toBe(digest);
      expect(world.built).toHaveLength(1);
    })(),
  );

  it(
    'to sign is taken by digest and signed',
    story(async (world) => {
      const unsigned = 'registry.test/unsigned:1';
      await world.dockerfile(`${MODULE}FROM scratch\n`);
      await createFakeBuilder(world.registry).build({
        dockerfile: `${MODULE}FROM scratch\n`,
        buildArgs: { KERNEL_FULL_VERSION: '6.1.0-1' },
        secrets: [],
        target: unsigned,
        labels: {},
        baseAccess: {},
        targetAccess: {},
      });
      world.start();
      const sign = { keySecret: { name: 'key' }, certSecret: { name: 'cert' }, unsignedImage: unsigned };
      await world.want({ build: undefined, sign });
      const status = await world.until(isReady);

      expect(status.bases).toEqual([
        { reference: unsigned, digest: await world.registry.resolve(unsigned, {}) },
      ]);
      expect(status.reason).toBe('Signed');
    }),
  );

  const TLS_HOST = 'vendor.test';
  it.each<[string, string, TlsOptions | undefined, TlsOptions | undefined]>([
    ['with TLS, whatever that of the image does', `${TLS_HOST}/unsigned:1`, { insecure: true }, undefined],
    [
      'without TLS as the setting of the image to sign says',
      'plain.test/unsigned:1',
      { insecure: true },
      { insecure: true },
    ],
    ['with TLS as the setting of the image to sign says', `${TLS_HOST}/unsigned:1`, { insecure: true }, {}],
    ['as that of the image when it is the same', 'plain.test/unsigned:1', { insecure: true }, undefined],
  ])('to sign is asked for in its own registry %s', (_how, unsigned, registryTLS, unsignedImageRegistryTLS) =>
    story(async (world) => {
      await pushImage(world.registry, unsigned, {}, { '/opt/lib/modules/6.1.0-1/kmod.ko': module });
      const asked = new Set<string>();
      world.transport.fault = ({ url }) => {
        const { protocol, hostname } = new URL(url);
        asked.add(`${protocol}//${hostname}`);
        return (protocol === 'https:') === (hostname === TLS_HOST) ? undefined : answer(400);
      };
      world.start();
      const secrets = { keySecret: { name: 'key' }, certSecret: { name: 'cert' } };
      await world.want({
        image: 'plain.test/kmod:1',
        build: undefined,
        registryTLS,
        sign: {
          ...secrets,
          unsignedImage: unsigned,
          ...(unsignedImageRegistryTLS && { unsignedImageRegistryTLS }),
        },
      });

      expect((await world.until(isReady)).reason).toBe('Signed');
      const source = unsigned.startsWith(TLS_HOST) ? [`https://${TLS_HOST}`] : [];
      expect([...asked].sort()).toEqual(['http://plain.test', ...source]);
    })(),
  );

  it(
    'that is ready says nothing new when only its generation changed',
    story(async (world) => {
      const { digest } = await madeOnce(world);
      await world.want({ registryTLS: { insecureSkipTLSVerify: true } });
      const after = await world.until(({ observedGeneration }) => observedGeneration === 2);

      expect(after).toMatchObject({ state: 'Ready', digest });
      expect(await world.events()).toEqual(['BuildStarted', 'Signed']);
    }),
  );

  it(
    'tells weeks before that its certificate expires, once, and of the next one nothing',
    story(async (world) => {
      await madeOnce(world);
      const endMs = testPair('rsa').certificate.validToDate.getTime();
      world.skew(endMs - world.clock.now() - 31 * DAY_MS);
      await world.clock.advance(DAY_MS / 2);
      expect(await world.status()).not.toHaveProperty('conditions');

      await world.clock.advance(DAY_MS);
      const { state, conditions } = await world.status();
      expect([state, conditions?.map(({ type, reason }) => [type, reason])]).toEqual([
        'Ready',
        [['CertificateExpires', 'CertificateExpiresSoon']],
      ]);
      await world.clock.advance(2 * DAY_MS);
      expect(await world.events()).toEqual(['BuildStarted', 'CertificateExpiresSoon', 'Signed']);
      expect(world.built).toHaveLength(1);
    }),
  );

  it(
    'stays ready when its certificate expires; then a change is refused and the digest kept',
    story(async (world) => {
      const { digest } = await madeOnce(world);
      world.skew(CENTURY_MS);
      await world.want({ registryTLS: { insecureSkipTLSVerify: true } });
      expect(await world.until(({ observedGeneration }) => observedGeneration === 2)).toMatchObject({
        state: 'Ready',
      });

      await world.dockerfile(`${MODULE}FROM ${BASE}\nRUN true\n`);
      expect(await world.until(({ state }) => state === 'Failed')).toMatchObject({
        reason: 'CertificateExpired',
        digest,
      });
      expect(world.built).toHaveLength(1);
    }),
  );
});

it(
  'gives the Secret of the hash key a key when it has none',
  story(async (world) => {
    const name = { namespace: OPERATOR.hubNamespace, name: OPERATOR.inputsKey };
    await world.user.create(CORE.secret, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { ...name, labels: { kept: 'yes' } },
    });
    await madeOnce(world);
    const secret = await world.user.get(CORE.secret, name);

    expect(secret?.metadata.labels).toEqual({ kept: 'yes' });
    expect(Buffer.from((secret?.['data'] as { key?: string } | undefined)?.key ?? '', 'base64')).toHaveLength(
      32,
    );
  }),
);

describe('when one call fails, whichever', () => {
  const expectSame = async (world: ImagesWorld) => {
    const status = await world.until(isReady, 3_600_000);
    world.transport.fault = undefined;
    const image = await world.registry.image(IMAGE, {});
    expect(status.digest).toBe(image?.digest);
    expect(status.inputsHash).toBe(image?.config.config?.Labels?.[LABELS.inputsHash]);
    expect(world.built).toHaveLength(1);
  };

  it('of the registry, the image is ready in the end and built once', async () => {
    for (let n = 1, wasHit = true; wasHit; n++) {
      wasHit = false;
      await story(async (world) => {
        let count = 0;
        world.transport.fault = () => {
          if (++count !== n) return undefined;
          wasHit = true;
          return { status: 500, headers: {}, body: (async function* () {})() };
        };
        await world.want();
        world.start();
        await expectSame(world);
        if (!wasHit) expect(n).toBeGreaterThan(10);
      })();
    }
  });

  it.each<[string, Fault]>([
    ['with 500', { status: 500 }],
    ['by a connection that breaks before', 'drop-before'],
    ['by a connection that breaks after', 'drop-after'],
  ])('of the API server %s, the image is ready in the end and built once', async (_how, fault) => {
    for (let n = 1, wasHit = true; wasHit; n++) {
      wasHit = false;
      await story(async (world) => {
        await world.want();
        let count = 0;
        world.hub.setFault(({ headers }) => {
          if (headers['user-agent'] !== 'images' || ++count !== n) return undefined;
          wasHit = true;
          return fault;
        });
        world.start();
        await expectSame(world);
        if (!wasHit) expect(n).toBeGreaterThan(8);
      })();
    }
  });
});
