import { RESOURCES } from '@kmm-fleet/api';
import { answer } from '@kmm-fleet/images/testing';
import { typeOf } from '@kmm-fleet/policies';
import { CORE, type KubeObject } from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCENES } from './story/scenes.ts';
import { type SimulatedWorld, simulatedWorld } from './story/simulated-world.ts';
import { HUB_NAMESPACE, loadedModules, MCM, mcm, pinsOf, works } from './story/world.ts';

// Claims that make no sense are told in hub/works/plan-work.test.ts: in a fleet the spoke mends them at once.

type Mapping = Record<string, unknown>;

const mappings = (world: SimulatedWorld, edit: (mapping: Mapping) => Mapping) =>
  patchMcm(world, (spec) => {
    const container = spec.moduleSpec.moduleLoader.container;
    container.kernelMappings = container.kernelMappings.map(edit);
  });

interface McmSpec {
  moduleSpec: { moduleLoader: { container: { kernelMappings: Mapping[]; [field: string]: unknown } } };
}

async function patchMcm(world: SimulatedWorld, edit: (spec: McmSpec) => void): Promise<void> {
  const object = await world.hub.get(RESOURCES.managedClusterModule, { name: MCM });
  const spec = structuredClone(object?.['spec']) as McmSpec;
  edit(spec);
  await world.hub.replace(RESOURCES.managedClusterModule, { ...(object as KubeObject), spec });
}

const patchData = (
  world: SimulatedWorld,
  kind: 'secret' | 'configMap',
  name: string,
  data: Record<string, string | null>,
) => world.hub.mergePatch(CORE[kind], { namespace: HUB_NAMESPACE, name }, { data }, { fieldManager: 'user' });

const newDockerfile = (world: SimulatedWorld) =>
  patchData(world, 'configMap', 'my-kmod-dockerfile', {
    dockerfile: '# module {"name":"kmm_demo_b"}\nFROM scratch\n',
  });

/** What the user applied at first, and nothing else. */
async function mend(world: SimulatedWorld): Promise<void> {
  world.registry.fault = undefined;
  for (const object of world.manifests) {
    const type = typeOf(object);
    const existing = await world.hub.get(type, object.metadata);
    const { resourceVersion } = existing?.metadata ?? {};
    if (existing)
      await world.hub.replace(type, { ...object, metadata: { ...object.metadata, resourceVersion } });
    else await world.hub.create(type, object);
  }
}

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield new Uint8Array(1024 * 1024);
}

const registryAnswers =
  (status: number, body: string | AsyncIterable<Uint8Array> = '') =>
  (world: SimulatedWorld) => {
    world.registry.fault = () =>
      typeof body === 'string' ? answer(status, {}, body) : { ...answer(status), body };
    return newDockerfile(world);
  };

describe('in a fleet that runs', () => {
  let world: SimulatedWorld;
  const isWell = async () => {
    const status = (await mcm(world))?.status;
    const degraded = status?.conditions?.find(({ type }) => type === 'Degraded');
    return (status?.clusters?.ready === 2 && degraded?.status === 'False') || undefined;
  };
  beforeAll(async () => {
    world = await simulatedWorld(5);
    for (const scene of SCENES.slice(0, 6)) await scene.run(world);
  });
  afterAll(() => world.stop());

  it.each<[string, (world: SimulatedWorld) => Promise<unknown>, RegExp]>([
    [
      'a bad regexp',
      (world) => mappings(world, (mapping) => ({ ...mapping, regexp: '([' })),
      /RegexpInvalid.*kernelMappings\[0\]\.regexp/,
    ],
    [
      'a missing signing Secret',
      (world) => world.hub.delete(CORE.secret, { namespace: HUB_NAMESPACE, name: 'my-signing-key' }),
      /SecretMissing.*my-signing-key/,
    ],
    [
      'a wrong key in the signing Secret',
      (world) => patchData(world, 'secret', 'my-signing-key', { key: null, private: 'eA==' }),
      /SecretKeyMissing.*Rename "private" to "key"/,
    ],
    [
      'a malformed certificate',
      (world) => patchData(world, 'secret', 'my-signing-key-pub', { cert: 'bm90IGEgY2VydA==' }),
      /CertificateInvalid.*my-signing-key-pub/,
    ],
    [
      'a ConfigMap with Dockerfile instead of dockerfile',
      (world) =>
        patchData(world, 'configMap', 'my-kmod-dockerfile', { dockerfile: null, Dockerfile: 'FROM x' }),
      /ConfigMapKeyMissing.*Rename "Dockerfile" to "dockerfile"/,
    ],
    ['a registry that is down', registryAnswers(503), /RegistryUnreachable/],
    ['a registry that answers 401', registryAnswers(401), /RegistryUnauthorized/],
    ['a registry that answers 429', registryAnswers(429), /RegistryThrottled/],
    ['a registry that answers garbage', registryAnswers(200, 'hello'), /RegistryInvalid/],
    ['a registry with an endless body', registryAnswers(200, endless()), /RegistryInvalid/],
  ])(
    'tells %s in one condition, touches nothing that runs, and goes on when it is mended',
    async (_name, spoil, reason) => {
      const before = { pins: (await works(world)).map(pinsOf), west: await loadedModules(world, 'west') };

      await spoil(world);

      await world.until(`a condition ${String(reason)}`, async () => {
        const status = (await mcm(world))?.status;
        const told = [...(status?.conditions ?? []), ...(status?.waiting ?? [])].map(
          (one) => `${one.reason} ${one.message}`,
        );
        return told.some((text) => reason.test(text)) || undefined;
      });
      await world.clock.advance(10_000);
      expect((await works(world)).map(pinsOf)).toEqual(before.pins);
      expect(await loadedModules(world, 'west')).toEqual(before.west);

      await mend(world);
      await world.until('all well again', isWell);
      expect((await works(world)).map(pinsOf)).toEqual(before.pins);
    },
  );
});

it.each<[string, (spec: McmSpec) => void, RegExp]>([
  [
    'empty mappings',
    (spec) => void (spec.moduleSpec.moduleLoader.container.kernelMappings = []),
    /kernelMappings.*at least 1/,
  ],
  [
    'literal and regexp in one mapping',
    (spec) =>
      void (spec.moduleSpec.moduleLoader.container.kernelMappings[0] = {
        literal: '6.1.0',
        regexp: '6',
        containerImage: 'x:1',
      }),
    /exactly one of literal and regexp/,
  ],
  [
    'a wrong type',
    (spec) =>
      void (spec.moduleSpec.moduleLoader.container.kernelMappings[0] = { literal: 7, containerImage: 'x:1' }),
    /literal.*must be of type string/,
  ],
  [
    'a mapping without an image',
    (spec) => void (spec.moduleSpec.moduleLoader.container.kernelMappings[0] = { literal: '6.1.0' }),
    /containerImage is needed/,
  ],
])('refuses %s at the API server, naming the field', async (_name, edit, message) => {
  const world = await simulatedWorld(6);
  for (const scene of SCENES.slice(0, 1)) await scene.run(world);

  await expect(patchMcm(world, edit)).rejects.toThrow(message);
  await world.stop();
});

it('ships a module without moduleLoader: only its device plugin', async () => {
  const world = await simulatedWorld(8);
  for (const scene of SCENES.slice(0, 6)) await scene.run(world);
  await patchMcm(world, (spec) => void delete (spec.moduleSpec as { moduleLoader?: unknown }).moduleLoader);

  await world.until('works without a loader', async () => {
    const text = JSON.stringify((await works(world)).map(({ spec }) => spec.workload));
    return !text.includes('moduleLoader') && text.includes('devicePlugin');
  });
  await world.stop();
});
