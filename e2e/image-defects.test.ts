import { type ModuleImageStatus, RESOURCES } from '@kmm-fleet/api';
import { signModule } from '@kmm-fleet/images';
import { answer, createFakeBuilder, makeModule, pushImage, testPair } from '@kmm-fleet/images/testing';
import { CORE } from '@kmm-fleet/runtime';
import { describe, expect, it } from 'vitest';
import { BASE, IMAGE, type ImagesWorld, isReady, MODULE, NAMESPACE, story } from './images/images-world.ts';

const DAY_MS = 86_400_000;
const MODULE_FILE = '/opt/lib/modules/6.1.0-1/kmod.ko';
const module = makeModule({ name: 'kmod', kernel: '6.1.0-1' });
const isFailed = ({ state }: ModuleImageStatus) => state === 'Failed' || state === 'Missing';

describe('what cannot be made', () => {
  it.each<[string, string, RegExp]>([
    ['without FROM', `${MODULE}# nothing`, /^DockerfileInvalid .*has no FROM/],
    [
      'that does not begin with FROM',
      'RUN true\nFROM scratch\n',
      /^DockerfileInvalid .*Line 1.*before any FROM/,
    ],
    [
      'with a line that is no instruction',
      'FROM scratch\n\nRUNN make\n',
      /^DockerfileInvalid .*Line 3.*"RUNN"/,
    ],
    [
      'from a base that is not there',
      'FROM registry.test/none:1\n',
      /^ImageNotFound .*registry.test\/none:1/,
    ],
    ['whose step fails', `FROM ${BASE}\nRUN exit 7\n`, /^BuildFailed .*exit status 7/],
    ['that never ends', `FROM ${BASE}\nRUN sleep infinity\n`, /^BuildTimedOut .*within 120 minutes/],
  ])('a Dockerfile %s is told by one reason', (_name, dockerfile, told) =>
    story(async (world) => {
      await world.dockerfile(dockerfile);
      world.start();
      await world.want();
      const { reason, message } = await world.until(isFailed, 10 * DAY_MS);

      expect(`${reason} ${message}`).toMatch(told);
    })(),
  );

  it(
    'is tried some times on equal inputs, then no more, and at once when they change',
    story(async (world) => {
      await world.dockerfile(`${MODULE}FROM ${BASE}\nRUN exit 7\n`);
      world.start();
      await world.want();
      await world.until(({ attempt }) => attempt?.defects === 5, DAY_MS);
      await world.clock.advance(DAY_MS);

      expect(world.requests).toHaveLength(5);
      expect(await world.status()).toMatchObject({
        state: 'Failed',
        reason: 'BuildFailed',
        message: expect.stringContaining('After 5 failures on the same inputs it is tried again only when'),
      });

      await world.dockerfile(`${MODULE}FROM ${BASE}\n`);
      expect((await world.until(isReady, 5_000)).attempt).toBeUndefined();
    }),
  );

  it(
    'is tried again when its base was mended under the same tag',
    story(async (world) => {
      await world.dockerfile(`${MODULE}FROM ${BASE}\nRUN exit 7\n`);
      world.start();
      await world.want();
      await world.until(({ attempt }) => attempt?.defects === 5, DAY_MS);
      const mended = await pushImage(world.registry, BASE, {}, { '/README': 'mended' });
      await world.until(({ attempt }) => attempt?.defects === 1, DAY_MS);

      expect(world.requests).toHaveLength(6);
      expect(world.requests[5]?.dockerfile).toContain(mended);
    }),
  );

  it(
    'for want of a login is made at once when the Secret is mended',
    story(async (world) => {
      const secret = (password: string) => {
        const text = JSON.stringify({ auths: { 'registry.test': { username: 'kmm', password } } });
        const data = { '.dockerconfigjson': Buffer.from(text).toString('base64') };
        const metadata = { name: 'pull', namespace: NAMESPACE };
        return world.user.apply(
          CORE.secret,
          { apiVersion: 'v1', kind: 'Secret', metadata, data },
          {
            fieldManager: 'user',
            force: true,
          },
        );
      };
      const good = `Basic ${Buffer.from('kmm:right').toString('base64')}`;
      world.transport.fault = ({ headers }) =>
        headers['authorization'] === good
          ? undefined
          : answer(401, { 'www-authenticate': 'Basic realm="r"' });
      await secret('wrong');
      world.start();
      await world.want({ imageRepoSecret: { name: 'pull' } });
      await world.until(({ attempt }) => (attempt?.failures ?? 0) >= 6, DAY_MS);
      const { reason, message } = await world.status();
      expect(reason).toBe('RegistryUnauthorized');
      expect(message).toContain(`Check the credentials in Secret ${NAMESPACE}/pull,`);
      expect((await world.eventTexts('RegistryUnauthorized')).join()).toContain(`${NAMESPACE}/pull`);

      await secret('right');
      await world.until(isReady, 5_000);
    }),
  );

  it(
    'tells while it runs since when, which try it is and how its log is read, with one write and one event',
    story(async (world) => {
      await world.dockerfile(`FROM ${BASE}\nRUN exit 1\n`);
      world.start();
      await world.want();
      await world.until(({ state }) => state === 'Failed');
      await world.clock.advance(5_500);
      await world.dockerfile(`FROM ${BASE}\nRUN sleep infinity\n`);
      const { startTime = '', message } = await world.until(({ state }) => state === 'Building');
      await world.clock.advance(600_000);

      const time = startTime.slice(11, 19);
      expect(message).toBe(`Building for kernel 6.1.0-1. Try 1, begun ${time} UTC.`);
      expect(Date.parse(startTime)).toBeGreaterThanOrEqual(Date.UTC(2027, 0, 1, 0, 0, 5));
      expect(world.written.filter((state) => state === 'Building')).toHaveLength(2);
      const target = world.requests.at(-1)?.target;
      expect(await world.eventTexts('BuildStarted')).toEqual([
        `Building ${IMAGE} for kernel 6.1.0-1, try 1. Its log: show ${target}`,
      ]);
    }),
  );

  it(
    'counts its tries for people',
    story(async (world) => {
      await world.dockerfile(`FROM ${BASE}\nRUN exit 1\n`);
      world.start();
      await world.want();
      await world.until(({ attempt }) => attempt?.failures === 2);

      const texts = await world.eventTexts('BuildStarted');
      expect(new Set(texts.map((text) => /try \d/.exec(text)?.[0]))).toEqual(new Set(['try 1', 'try 2']));
    }),
  );

  it(
    'is given up when its inputs change meanwhile, and what is wanted now is built at once',
    story(async (world) => {
      await world.dockerfile(`FROM ${BASE}\nRUN sleep infinity\n`);
      world.start();
      await world.want();
      await world.until(({ state }) => state === 'Building');
      await world.user.mergePatch(
        CORE.configMap,
        { namespace: NAMESPACE, name: 'dockerfile' },
        { metadata: { labels: { touched: 'yes' } } },
        {},
      );
      await world.clock.advance(5_000);
      expect(world.requests).toHaveLength(1);

      await world.dockerfile(`${MODULE}FROM ${BASE}\n`);
      expect(await world.until(isReady, 5_000)).not.toHaveProperty('attempt');
      expect(world.requests).toHaveLength(2);
      expect(await world.events()).toEqual(['BuildStarted', 'Signed']);
    }),
  );

  it.each(['/base/', '/kmod/'])(
    'is not begun when its inputs change while the registry is asked for %s',
    (asked) =>
      story(async (world) => {
        await world.dockerfile(`FROM ${BASE}\nRUN sleep infinity\n`);
        let edits = 0;
        world.transport.fault = ({ url }) => {
          if (!url.includes(asked) || edits++ > 0) return undefined;
          void world.dockerfile(`${MODULE}FROM ${BASE}\n`);
          return answer(503); // asked again only when the change is known
        };
        world.start();
        await world.want();
        await world.until(isReady, 10_000);

        expect(edits).toBeGreaterThan(1);
        expect(world.requests).toHaveLength(1);
        expect(await world.eventTexts('BuildStarted')).toHaveLength(1);
      })(),
  );

  it(
    'is given up when nobody wants it any more',
    story(async (world) => {
      await world.dockerfile(`FROM ${BASE}\nRUN sleep infinity\n`);
      world.start();
      await world.want();
      await world.until(({ state }) => state === 'Building');
      await world.user.delete(RESOURCES.moduleImage, { name: 'image' });
      await world.clock.advance(1_000);

      await world.dockerfile(`${MODULE}FROM ${BASE}\n`);
      await world.want();
      await world.until(isReady, 5_000);
    }),
  );

  it(
    'does not hold up another image',
    story(async (world) => {
      await world.dockerfile(`FROM ${BASE}\nRUN sleep infinity\n`);
      world.start();
      await world.want();
      await world.until(({ state }) => state === 'Building');
      await pushImage(world.registry, 'registry.test/other:1', {}, { '/x': 'y' });
      await wantOther(world);
      await world.clock.advance(1_000);
      const other = await world.user.get(RESOURCES.moduleImage, { name: 'other' });

      expect(other?.['status']).toMatchObject({ state: 'Ready' });
    }),
  );
});

const wantOther = (world: ImagesWorld) =>
  world.user.create(RESOURCES.moduleImage, {
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ModuleImage',
    metadata: { name: 'other' },
    spec: {
      image: 'registry.test/other:1',
      kernelVersion: '6.1.0-1',
      module: { name: 'other', namespace: NAMESPACE },
    },
  });

it(
  'a module that somebody else has signed is signed again, and that is told',
  story(async (world) => {
    const theirs = signModule(module, testPair('stranger'));
    const unsigned = 'registry.test/unsigned:1';
    await pushImage(world.registry, unsigned, {}, { [MODULE_FILE]: theirs });
    world.start();
    const sign = { keySecret: { name: 'key' }, certSecret: { name: 'cert' }, unsignedImage: unsigned };
    await world.want({ build: undefined, sign });

    expect((await world.until(isReady)).message).toMatch(
      /^1 module is signed\. Signatures of somebody else were replaced: "[^"]+"\. To keep them/,
    );
  }),
);

const secret = (world: ImagesWorld, name: string, data: Record<string, Uint8Array | string>) =>
  world.user.apply(
    CORE.secret,
    {
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: NAMESPACE } },
      data: Object.fromEntries(
        Object.entries(data).map(([key, bytes]) => [key, Buffer.from(bytes).toString('base64')]),
      ),
    },
    { fieldManager: 'user', force: true },
  );
const encrypted = testPair('rsa').key.export({
  ...{ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
});

describe('what cannot be signed', () => {
  it.each<[string, (world: ImagesWorld) => Promise<unknown>, RegExp]>([
    [
      'an encrypted key',
      (world) => secret(world, 'key', { key: encrypted }),
      /^SigningKeyEncrypted .*Decrypt it/,
    ],
    [
      'a key of another certificate',
      (world) => secret(world, 'key', { key: testPair('ec').keyPem }),
      /^SigningPairMismatch .*ns\/key .*ns\/cert/,
    ],
    [
      'a Secret that is missing',
      (world) => world.user.delete(CORE.secret, { namespace: NAMESPACE, name: 'key' }),
      /^SecretMissing .*ns\/key/,
    ],
  ])('%s is told before anything is built, and made at once when it is mended', (_name, spoil, told) =>
    story(async (world) => {
      await spoil(world);
      world.start();
      await world.want();
      const { reason, message } = await world.until(isFailed);
      await world.clock.advance(DAY_MS);

      expect(`${reason} ${message}`).toMatch(told);
      expect(world.requests).toEqual([]);
      await world.keys('rsa');
      await world.until(isReady, 5_000);
    })(),
  );

  it.each<[string, Record<string, Uint8Array>, RegExp]>([
    [
      'an ELF file that is cut',
      { [MODULE_FILE]: module.subarray(0, 300) },
      /^ImageInvalid .*kmod\.ko.*section table/,
    ],
    [
      'a module of another architecture',
      { [MODULE_FILE]: makeModule({ name: 'kmod', kernel: '6.1.0-1', machine: 183 }) },
      /^ImageInvalid .*kmod\.ko is built for arm64, but the image says it is for amd64/,
    ],
    [
      'a path that leads out of the image',
      { [MODULE_FILE]: module, '/../etc/evil': module },
      /^ImageInvalid .*\.\.\/etc\/evil/,
    ],
  ])('%s is told, is tried five times and signs nothing', (_name, files, told) =>
    story(async (world) => {
      const unsigned = 'registry.test/unsigned:1';
      await pushImage(world.registry, unsigned, {}, files);
      world.start();
      const sign = { keySecret: { name: 'key' }, certSecret: { name: 'cert' }, unsignedImage: unsigned };
      await world.want({ build: undefined, sign });
      await world.until(isFailed);
      await world.clock.advance(DAY_MS);
      const { reason, message, attempt } = await world.status();

      expect(`${reason} ${message}`).toMatch(told);
      expect(attempt).toMatchObject({ failures: 5, defects: 5 });
      expect(await world.registry.resolve(IMAGE, {})).toBeUndefined();
    })(),
  );

  it.each<[string, readonly string[], string, RegExp]>([
    ['a file that is not there', ['/opt/none.ko'], MODULE, /^SignFailed .*\/opt\/none\.ko.*kmod\.ko/],
    ['an image without modules', [], '', /^SignFailed .*no kernel module/],
  ])('%s is told, signs nothing and builds nothing again', (_name, filesToSign, module, told) =>
    story(async (world) => {
      await world.dockerfile(`${module}FROM ${BASE}\n`);
      world.start();
      const sign = {
        keySecret: { name: 'key' },
        certSecret: { name: 'cert' },
        filesToSign: [...filesToSign],
      };
      await world.want({ sign });
      const { reason, message } = await world.until(isFailed);
      await world.clock.advance(DAY_MS);

      expect(`${reason} ${message}`).toMatch(told);
      expect(world.built).toHaveLength(1);
      expect(await world.registry.resolve(IMAGE, {})).toBeUndefined();
    })(),
  );

  it(
    'is signed once the image to sign was mended under its tag',
    story(async (world) => {
      const unsigned = 'registry.test/unsigned:1';
      await pushImage(world.registry, unsigned, {}, { [MODULE_FILE]: 'no ELF file' });
      world.start();
      const sign = { keySecret: { name: 'key' }, certSecret: { name: 'cert' }, unsignedImage: unsigned };
      await world.want({ build: undefined, sign });
      expect(await world.until(isFailed)).toMatchObject({ reason: 'ImageInvalid' });

      await createFakeBuilder(world.registry).build({
        dockerfile: `${MODULE}FROM scratch\n`,
        buildArgs: { KERNEL_FULL_VERSION: '6.1.0-1' },
        secrets: [],
        target: unsigned,
        labels: {},
        baseAccess: {},
        targetAccess: {},
      });
      expect(await world.until(isReady, DAY_MS)).toMatchObject({ reason: 'Signed' });
    }),
  );
});
