import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pushImage } from '../testing/push-image.ts';
import { sha256 } from './bytes.ts';
import type { Registry } from './registry.ts';
import { MEDIA_TYPES, type RegistryAccess } from './types.ts';

/** A registry that asks for a login, and the client that speaks to it. */
export interface RegistryUnderTest {
  readonly registry: Registry;
  /** Host and port. */
  readonly address: string;
  readonly access: RegistryAccess;
  readonly wrongAccess: RegistryAccess;
  close(): Promise<void>;
}

const BLOB_TYPE = 'application/octet-stream';

/** What the client and a registry do together. Held by a real registry and by the one in memory, so that they stay alike. */
export function describeRegistry(name: string, start: () => Promise<RegistryUnderTest>): void {
  describe(`${name} and the client:`, () => {
    let world: RegistryUnderTest;
    let registry: Registry;
    let access: RegistryAccess;
    let count = 0;
    beforeAll(async () => {
      world = await start();
      ({ registry, access } = world);
    });
    afterAll(() => world?.close());
    /** A repository of its own for each test. */
    const open = () => `${world.address}/contract/repository-${count++}`;
    const failureOf = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);
    const descriptor = (bytes: Uint8Array, mediaType = BLOB_TYPE) => ({
      mediaType,
      digest: sha256(bytes),
      size: bytes.byteLength,
    });

    it('resolve a tag and a digest to the digest that was pushed', async () => {
      const repository = open();
      const digest = await pushImage(registry, `${repository}:1`, access, { '/a': 'one' });

      expect(await registry.resolve(`${repository}:1`, access)).toBe(digest);
      expect(await registry.resolve(`${repository}@${digest}`, access)).toBe(digest);
    });

    it('move a tag, and keep what it was under its digest', async () => {
      const repository = open();
      const before = await pushImage(registry, `${repository}:1`, access, { '/a': 'one' });

      const after = await pushImage(registry, `${repository}:1`, access, { '/a': 'two' });

      expect(after).not.toBe(before);
      expect(await registry.resolve(`${repository}:1`, access)).toBe(after);
      expect(await registry.image(`${repository}@${before}`, access)).toMatchObject({ digest: before });
    });

    it('know no missing repository, tag or digest', async () => {
      const repository = open();
      await pushImage(registry, `${repository}:1`, access, { '/a': 'x' });
      const none = `sha256:${'0'.repeat(64)}`;

      for (const reference of [`${open()}:1`, `${repository}:2`, `${repository}@${none}`]) {
        expect(await registry.resolve(reference, access)).toBeUndefined();
        expect(await registry.image(reference, access)).toBeUndefined();
      }
    });

    it('give back manifest, media type and config', async () => {
      const reference = `${open()}:1`;
      const digest = await pushImage(registry, reference, access, { '/a': 'x' }, { made: 'here' });

      const image = await registry.image(reference, access);

      expect(image).toMatchObject({ digest, mediaType: MEDIA_TYPES.ociManifest });
      expect(image?.manifest.layers).toHaveLength(1);
      expect(image?.config.config?.Labels).toEqual({ made: 'here' });
    });

    it('follow an index to the image of the architecture, and say when it has none', async () => {
      const repository = open();
      const platforms = await Promise.all(
        ['amd64', 'arm64'].map(async (architecture) => {
          const digest = await pushImage(registry, `${repository}:${architecture}`, access, {
            '/a': architecture,
          });
          const size = JSON.stringify((await registry.image(`${repository}@${digest}`, access))?.manifest);
          return {
            ...{ mediaType: MEDIA_TYPES.ociManifest, digest, size: size.length },
            platform: { os: 'linux', architecture },
          };
        }),
      );
      const index = Buffer.from(
        JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: platforms }),
      );

      const digest = await registry.putManifest(`${repository}:all`, MEDIA_TYPES.ociIndex, index, access);

      expect(await registry.resolve(`${repository}:all`, access)).toBe(digest);
      const [amd64, arm64] = platforms.map((platform) => platform.digest);
      expect((await registry.image(`${repository}:all`, access))?.digest).toBe(amd64);
      expect((await registry.image(`${repository}:all`, access, undefined, 'arm64'))?.digest).toBe(arm64);
      expect(await failureOf(registry.image(`${repository}:all`, access, undefined, 's390x'))).toMatchObject({
        code: 'IMAGE_INVALID',
      });
    });

    it('give back a blob as it was uploaded, also when it is uploaded twice', async () => {
      const reference = `${open()}:1`;
      const bytes = Buffer.alloc(3_000_000, 'a long blob. ');
      await registry.putBlob(reference, bytes, access);
      await registry.putBlob(reference, bytes, access);

      const back = await registry.blob(reference, descriptor(bytes), access);

      expect(back.equals(bytes)).toBe(true);
    });

    it('refuse a blob that is missing or larger than its manifest says', async () => {
      const reference = `${open()}:1`;
      const bytes = Buffer.from('a blob');
      await registry.putBlob(reference, bytes, access);

      const missing = registry.blob(reference, descriptor(Buffer.from('another')), access);
      expect(await failureOf(missing)).toMatchObject({ code: 'REGISTRY_INVALID' });
      const lied = registry.blob(reference, { ...descriptor(bytes), size: 3 }, access);
      expect(await failureOf(lied)).toMatchObject({ code: 'REGISTRY_INVALID' });
    });

    it('copy a blob to another repository', async () => {
      const [from, to] = [`${open()}:1`, `${open()}:1`];
      const bytes = Buffer.from('travels');
      await registry.putBlob(from, bytes, access);

      await registry.copyBlob({ reference: from, access }, { reference: to, access }, descriptor(bytes));

      expect((await registry.blob(to, descriptor(bytes), access)).toString()).toBe('travels');
    });

    it('refuse a manifest of blobs that are not there, and say what the registry says', async () => {
      const reference = `${open()}:1`;
      const config = descriptor(Buffer.from('never uploaded'), MEDIA_TYPES.ociConfig);
      const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config, layers: [] };
      const bytes = Buffer.from(JSON.stringify(manifest));

      const error = await failureOf(registry.putManifest(reference, MEDIA_TYPES.ociManifest, bytes, access));

      expect(error).toMatchObject({ code: 'REGISTRY_INVALID' });
      expect(String(error)).toContain('MANIFEST_BLOB_UNKNOWN');
      expect(await registry.resolve(reference, access)).toBeUndefined();
    });

    it('refuse every call with a wrong login, and never show the password', async () => {
      const reference = `${open()}:1`;
      const bytes = Buffer.from('{}');
      await pushImage(registry, reference, access, { '/a': 'x' });
      const wrong = world.wrongAccess;

      const calls = [
        registry.resolve(reference, wrong),
        registry.image(reference, wrong),
        registry.blob(reference, descriptor(bytes), wrong),
        registry.putBlob(reference, bytes, wrong),
        registry.putManifest(reference, MEDIA_TYPES.ociManifest, bytes, wrong),
      ];

      for (const error of await Promise.all(calls.map(failureOf))) {
        expect(error).toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
        expect(String(error)).not.toContain('wr0ng');
        expect(String(error)).not.toContain('no credentials');
      }
    });

    it('say that a login is missing', async () => {
      const error = await failureOf(registry.resolve(`${open()}:1`, {}));

      expect(error).toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
      expect(String(error)).toContain('no credentials were given');
    });

    it('end at an abort with its reason', async () => {
      const reason = new Error('ended');

      const resolving = registry.resolve(`${open()}:1`, access, AbortSignal.abort(reason));

      expect(await failureOf(resolving)).toBe(reason);
    });
  });
}
