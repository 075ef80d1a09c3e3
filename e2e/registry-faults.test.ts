import { LABELS, type ModuleImageStatus } from '@kmm-fleet/api';
import { pullImage, readSignature } from '@kmm-fleet/images';
import { answer } from '@kmm-fleet/images/testing';
import { AppError } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { IMAGE, type ImagesWorld, isReady, story } from './images/images-world.ts';

type Fault = NonNullable<ImagesWorld['transport']['fault']>;
type Request = Parameters<Fault>[0];

const isUpload = ({ method }: Request) => method === 'POST' || method === 'PUT';
const FULL = JSON.stringify({
  errors: [{ code: 'UNKNOWN', message: 'write /blob: no space left on device' }],
});
const cut = (): never => {
  throw new AppError('REGISTRY_UNREACHABLE', 'Registry registry.test cannot be reached: socket hang up');
};

/** Looks after each request at what the final tag holds: nothing, or a whole image that is signed. */
function watchTag({ transport, registry }: ImagesWorld): { readonly seen: (string | undefined)[] } {
  const seen: (string | undefined)[] = [];
  const { request } = transport;
  let isWatching = true;
  transport.request = async (asked, signal) => {
    const response = await request(asked, signal);
    if (!isWatching || asked.method !== 'PUT') return response;
    isWatching = false;
    const { fault } = transport;
    transport.fault = undefined;
    const digest = await registry.resolve(IMAGE, {});
    if (digest) await expectSigned(registry);
    transport.fault = fault;
    isWatching = true;
    seen.push(digest);
    return response;
  };
  return { seen };
}

async function expectSigned(registry: ImagesWorld['registry']): Promise<void> {
  const { config, fs } = await pullImage(registry, IMAGE, {});
  const modules = fs.paths().filter((path) => path.endsWith('.ko'));
  expect(config.config?.Labels?.[LABELS.inputsHash]).toMatch(/^[0-9a-f]{64}$/);
  expect(modules).toHaveLength(1);
  for (const path of modules) expect(readSignature(fs.readFile(path) ?? new Uint8Array())).toBeDefined();
}

async function expectMade(
  world: ImagesWorld,
  seen: readonly (string | undefined)[],
): Promise<ModuleImageStatus> {
  const status = await world.until(isReady, 6 * 3_600_000);
  world.transport.fault = undefined;
  expect(await world.registry.resolve(IMAGE, {})).toBe(status.digest);
  expect(new Set(seen.filter(Boolean))).toEqual(new Set([status.digest]));
  return status;
}

it.each<[string, number, (request: Request) => ReturnType<Fault>]>([
  ['the connection is cut', 1, cut],
  ['the registry answers 401', 2, () => answer(401)],
  ['the registry answers 429 and asks for an hour', 3, () => answer(429, { 'retry-after': '3600' })],
  [
    'the disk of the registry is full',
    3,
    (request) => (isUpload(request) ? answer(500, {}, FULL) : undefined),
  ],
])(
  'when %s from the first, second or third request on, or each third after it, for ten minutes, the image is ready in the end and its tag was never half',
  async (_what, first, fault) => {
    for (let n = first, wasHit = true; wasHit; n += 3) {
      wasHit = false;
      await story(async (world) => {
        const { seen } = watchTag(world);
        let count = 0;
        let untilMs: number | undefined;
        world.transport.fault = (request) => {
          if (++count < n || world.clock.now() > (untilMs ?? Number.POSITIVE_INFINITY)) return undefined;
          untilMs ??= world.clock.now() + 600_000;
          wasHit = true;
          return fault(request);
        };
        await world.want();
        world.start();
        await expectMade(world, seen);
        if (!wasHit) expect(n).toBeGreaterThan(8);
      })();
    }
  },
);

it(
  'a slow registry takes its time, and nothing is tried twice',
  story(async (world) => {
    const { request } = world.transport;
    world.transport.request = async (asked, signal) => {
      await new Promise<void>((resolve) => world.clock.after(30_000, resolve));
      return request(asked, signal);
    };
    await world.want();
    world.start();
    const status = await world.until(isReady, 3_600_000);
    world.transport.request = request;

    expect(status).not.toHaveProperty('attempt');
    expect(await world.registry.resolve(IMAGE, {})).toBe(status.digest);
    expect(world.built).toHaveLength(1);
  }),
);

it(
  'a full disk is told in the words of the registry',
  story(async (world) => {
    world.transport.fault = (request) => (isUpload(request) ? answer(500, {}, FULL) : undefined);
    await world.want();
    world.start();
    const { reason, message } = await world.until(({ state }) => state === 'Failed');

    expect(`${reason} ${message}`).toMatch(/^RegistryUnreachable .*no space left on device/);
  }),
);
