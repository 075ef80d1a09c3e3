import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pullImage } from '../layers/pull-image.ts';
import type { Registry } from '../registry/registry.ts';
import type { RegistryAccess } from '../registry/types.ts';
import { type Builder, type BuildRequest, BuildUnwanted, buildLog } from './builder.ts';

/** The registry that a builder pushes to, seen from outside. */
export interface PushTarget {
  readonly registry: Registry;
  /** Host and port of the registry; it asks for a login. */
  readonly address: string;
  readonly access: RegistryAccess;
  readonly wrongAccess: RegistryAccess;
  /** First line of a Dockerfile after which `RUN` has a shell. */
  readonly from: string;
}

/** What the suite needs. */
export interface BuilderUnderTest extends PushTarget {
  readonly builder: Builder;
  /** Waits until the step that never ends has begun. */
  whenSleeping(): Promise<void>;
  close(): Promise<void>;
}

const PASSWORD = 'correct-horse-battery';

/**
 * What the factory relies on in whatever makes images from Dockerfiles.
 *
 * @param stamps whether images bear the time at which they were made, so that equal requests give other digests
 */
export function describeBuilder(
  name: string,
  start: () => Promise<BuilderUnderTest>,
  { stamps = false } = {},
): void {
  describe(`${name} keeps the contract of a builder:`, () => {
    let world: BuilderUnderTest;
    let count = 0;
    beforeAll(async () => {
      world = await start();
    });
    afterAll(() => world?.close());

    const makeRequest = (lines: readonly string[], changes: Partial<BuildRequest> = {}): BuildRequest => ({
      dockerfile: `${[world.from, ...lines].join('\n')}\n`,
      buildArgs: {},
      secrets: [],
      labels: {},
      target: `${world.address}/contract/image-${count++}:1`,
      baseAccess: world.access,
      targetAccess: world.access,
      ...changes,
    });
    const failureOf = (request: BuildRequest, signal?: AbortSignal) =>
      world.builder.build(request, signal).catch((error: unknown) => error);
    const labelsOf = async ({ target }: BuildRequest) =>
      (await world.registry.image(target, world.access))?.config.config?.Labels;
    const isPushed = async ({ target }: BuildRequest) =>
      (await world.registry.resolve(target, world.access)) !== undefined;

    it('pushes to the target what has the digest it returns, and hands out a log', async () => {
      const request = makeRequest(['ENV A=1']);

      const { digest, log } = await world.builder.build(request);

      expect(await world.registry.resolve(request.target, world.access)).toBe(digest);
      expect(log).toContain(request.target);
    });

    it('puts the labels on the image beside those of the Dockerfile, as they are', async () => {
      const labels = { 'kmm.fleet/hash': 'a,b=c', other: 'two words' };
      const request = makeRequest(['LABEL own=yes'], { labels });

      await world.builder.build(request);

      expect(await labelsOf(request)).toMatchObject({ ...labels, own: 'yes' });
    });

    it('hands build arguments to the Dockerfile', async () => {
      const buildArgs = { KERNEL_FULL_VERSION: '6.1.0-55-amd64', EMPTY: '' };
      const request = makeRequest(
        ['ARG KERNEL_FULL_VERSION', 'ARG EMPTY=no', 'LABEL kernel=$KERNEL_FULL_VERSION', 'LABEL e=$EMPTY'],
        { buildArgs },
      );

      await world.builder.build(request);

      expect(await labelsOf(request)).toMatchObject({ kernel: '6.1.0-55-amd64', e: '' });
    });

    it(`makes ${stamps ? '' : 'equal digests of equal requests, and '}another image of another request`, async () => {
      const request = makeRequest(['RUN echo same > /file'], { labels: { a: 'b' } });
      const { digest } = await world.builder.build(request);

      if (!stamps) expect((await world.builder.build(request)).digest).toBe(digest);
      const other = await world.builder.build({ ...request, labels: { a: 'c' } });
      expect(await world.registry.resolve(request.target, world.access)).toBe(other.digest);
      expect(await labelsOf(request)).toMatchObject({ a: 'c' });
    });

    it('fails with BUILD_FAILED and the last lines of the log, and pushes nothing', async () => {
      const request = makeRequest(['RUN exit 7']);

      const error = await failureOf(request);

      expect(error).toMatchObject({ code: 'BUILD_FAILED' });
      expect(buildLog(error)).toMatch(/RUN exit 7[\s\S]*exit status 7/);
      expect(await isPushed(request)).toBe(false);
    });

    it('lets steps read the secrets, and keeps them out of image and log', async () => {
      const secrets = [{ name: 'login', files: { password: Buffer.from(`${PASSWORD}\n`) } }];
      const lines = ['RUN test -s /run/secrets/login/password', 'RUN cat /run/secrets/login/password'];
      const request = makeRequest(lines, { secrets });

      const { log } = await world.builder.build(request);

      expect(log).not.toContain(PASSWORD);
      const { fs, config } = await pullImage(world.registry, request.target, world.access);
      const withSecret = fs.paths().filter((path) => Buffer.from(fs.readFile(path) ?? '').includes(PASSWORD));
      expect(fs.paths().length).toBeGreaterThan(1);
      expect(withSecret).toEqual([]);
      expect(JSON.stringify(config)).not.toContain(PASSWORD);
      expect(await failureOf({ ...request, secrets: [] })).toMatchObject({ code: 'BUILD_FAILED' });
    });

    it('does not start when its signal was aborted before', async () => {
      const request = makeRequest(['ENV A=2']);
      const reason = new Error('ended before');

      expect(await failureOf(request, AbortSignal.abort(reason))).toBe(reason);
      expect(await isPushed(request)).toBe(false);
    });

    it('ends with the reason when it is unwanted, pushes nothing, and builds again', async () => {
      const request = makeRequest(['RUN sleep infinity']);
      const stop = new AbortController();
      const building = failureOf(request, stop.signal);

      await world.whenSleeping().finally(() => stop.abort(new BuildUnwanted('ended meanwhile')));

      expect(await building).toMatchObject({ message: 'ended meanwhile' });
      expect(await isPushed(request)).toBe(false);
      expect(await world.builder.build(makeRequest(['ENV A=3']))).toHaveProperty('digest');
    });

    it('says REGISTRY_UNAUTHORIZED when the registry refuses the login', async () => {
      const request = makeRequest(['ENV A=4'], { targetAccess: world.wrongAccess });

      const error = await failureOf(request);

      expect(error).toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
      expect(String(error) + buildLog(error)).not.toContain('wr0ng');
      expect(await isPushed(request)).toBe(false);
    });
  });
}
