import { randomBytes } from 'node:crypto';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { runCommand } from '@kmm-fleet/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBuildah } from '../builders/buildah.ts';
import { pushImage } from '../testing/push-image.ts';
import { type RealRegistryWorld, skipReason, startRealRegistry } from '../testing/real-registry.ts';
import { sha256 } from './bytes.ts';

const reason = skipReason('buildah', 'root');
const MIB = 1024 * 1024;
const DISK_MIB = 24;

describe.skipIf(reason !== '')(`a real registry in trouble${reason && ` (${reason})`}`, () => {
  let world: RealRegistryWorld;
  let path: Awaited<ReturnType<typeof startCutter>>;
  const builder = () => createBuildah({ directory: join(world.directory, 'builds'), ca: world.ca });
  /** Reached over the path that may be cut. */
  const reference = (name: string) => `127.0.0.1:${path.port}/faults/${name}:1`;
  /** The login is for the registry under both addresses. */
  const access = () => {
    const login = { username: 'kmm', password: 's3cret' };
    return { dockerConfig: JSON.stringify({ auths: { [`127.0.0.1:${path.port}`]: login } }) };
  };
  const tagOf = (name: string) => world.registry.resolve(`${world.address}/faults/${name}:1`, world.access);
  const failureOf = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);

  beforeAll(async () => {
    world = await startRealRegistry(DISK_MIB);
    path = await startCutter(Number(world.address.split(':')[1]));
  });
  afterAll(async () => {
    path?.close();
    await world?.close();
  });

  it('an upload that is cut in the middle is done again, and is whole', async () => {
    const bytes = randomBytes(4 * MIB);
    path.cutAfter(MIB, 1);

    await world.registry.putBlob(reference('cut-once'), bytes, access());

    expect(path.cuts()).toBe(1);
    const descriptor = { mediaType: 'x', digest: sha256(bytes), size: bytes.byteLength };
    expect((await world.registry.blob(reference('cut-once'), descriptor, access())).equals(bytes)).toBe(true);
  });

  it('an upload that is cut each time leaves no tag, and works as soon as the path does', async () => {
    const files = { '/data': randomBytes(3 * MIB) };
    path.cutAfter(MIB, Number.POSITIVE_INFINITY);
    expect(await failureOf(pushImage(world.registry, reference('cut'), access(), files))).toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
    });
    expect(await tagOf('cut')).toBeUndefined();

    path.cutAfter(MIB, 0);
    const digest = await pushImage(world.registry, reference('cut'), access(), files);
    expect(await tagOf('cut')).toBe(digest);
  });

  it('a build whose push is cut each time leaves no tag and is not to blame', async () => {
    await pushImage(world.registry, `${world.address}/faults/noise:1`, world.access, {
      '/data': randomBytes(2 * MIB),
    });
    const request = {
      dockerfile: `FROM ${world.address}/faults/noise:1\nLABEL a=b\n`,
      buildArgs: {},
      secrets: [],
      labels: {},
      target: reference('built'),
      baseAccess: world.access,
      targetAccess: access(),
    };
    path.cutAfter(MIB, Number.POSITIVE_INFINITY);
    expect(await failureOf(builder().build(request))).toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
    expect(await tagOf('built')).toBeUndefined();

    path.cutAfter(0, 0);
    const { digest } = await builder().build(request);
    expect(await tagOf('built')).toBe(digest);
  });

  it('a full disk is told, leaves no tag, and takes the image once there is room', async () => {
    const files = { '/data': randomBytes(DISK_MIB * MIB) };
    const error = await failureOf(pushImage(world.registry, reference('full'), access(), files));
    expect(error).toMatchObject({ code: expect.stringMatching(/^REGISTRY_/) });
    expect(await tagOf('full')).toBeUndefined();

    const storage = join(world.directory, 'registry');
    await runCommand('mount', ['-o', `remount,size=${4 * DISK_MIB}m`, storage]);
    const digest = await pushImage(world.registry, reference('full'), access(), files);
    expect(await tagOf('full')).toBe(digest);
  });
});

/** Carries bytes to a port, and ends so many connections after some bytes on their way up. */
async function startCutter(port: number) {
  let [bytesMax, times, cuts] = [0, 0, 0];
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    let up = 0;
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    near.on('data', (piece) => {
      up += piece.byteLength;
      if (up <= bytesMax || cuts >= times) return void far.write(piece);
      cuts += 1;
      near.resetAndDestroy();
      far.resetAndDestroy();
    });
    far.pipe(near);
    near.on('close', () => far.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cutAfter(bytes: number, count: number) {
      [bytesMax, times, cuts] = [bytes, count, 0];
    },
    cuts: () => cuts,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
