import { FEEDBACK_NAMES, type ManagedClusterModule, OPERATOR, pinnedModule, RESOURCES } from '@kmm-fleet/api';
import { CORE } from '@kmm-fleet/runtime';
import { describe, expect, it } from 'vitest';
import { MODULES_ANNOTATION } from './story/world.ts';
import { upstreamWork } from './upstream/upstream-objects.ts';
import { KERNEL, upstreamWorld } from './upstream/upstream-world.ts';

const NAMESPACE = OPERATOR.namespace;
const modprobe = { moduleName: 'kmod', dirName: '/opt' };
const DRA = ['availableNumber', 'desiredNumber', 'nodesMatchingSelectorNumber'].map((name) => `dra.${name}`);

describe('a work of an upstream hub loads its module on our spoke, and its feedback comes back', () => {
  it.each<[string, (digest: string) => object, readonly string[]]>([
    [
      '1.1, by digest',
      (digest) => ({
        modprobe,
        kernelMappings: [
          { literal: KERNEL, containerImage: `registry.test/kmod@${digest}`, inTreeModuleToRemove: '' },
        ],
      }),
      FEEDBACK_NAMES,
    ],
    [
      '1.1, by the tag that it ships when it cannot resolve one',
      () => ({ modprobe, kernelMappings: [{ literal: KERNEL, containerImage: 'registry.test/kmod:v1' }] }),
      FEEDBACK_NAMES,
    ],
    [
      '2.x, with a list of modules to remove and a policy',
      (digest) => ({
        modprobe,
        imagePullPolicy: 'IfNotPresent',
        registryTLS: {},
        kernelMappings: [
          {
            literal: KERNEL,
            containerImage: `registry.test/kmod@${digest}`,
            inTreeModulesToRemove: ['dummy'],
          },
        ],
      }),
      FEEDBACK_NAMES,
    ],
    [
      'main, which asks for counts of DRA too',
      (digest) => ({
        modprobe,
        kernelMappings: [{ literal: KERNEL, containerImage: `registry.test/kmod@${digest}` }],
      }),
      [...FEEDBACK_NAMES, ...DRA],
    ],
  ])('%s', async (_era, container, feedback) => {
    const world = await upstreamWorld();
    world.startSpoke();
    await world.hub.create(RESOURCES.manifestWork, upstreamWork(container(world.digest), feedback));

    await world.until('the module', async () => {
      const node = await world.user.get(CORE.node, { name: 'n1' });
      return node?.metadata.annotations?.[MODULES_ANNOTATION] === 'kmod';
    });
    await world.until('the feedback', async () => {
      const work = await world.hub.get(RESOURCES.manifestWork, { namespace: 'one', name: 'my-mcm' });
      const text = JSON.stringify(work?.['status'] ?? {});
      return text.includes(
        '{"name":"moduleLoader.availableNumber","fieldValue":{"type":"Integer","integer":1}}',
      );
    });
    await world.stop();
  });
});

/** Fields of a Module that an upstream spoke of 1.1 knows; it drops others, and refuses a work that lacks a required one. */
const KNOWN = {
  spec: ['devicePlugin', 'imageRepoSecret', 'moduleLoader', 'selector'],
  moduleLoader: ['container', 'serviceAccountName'],
  container: [
    'containerImage',
    'imagePullPolicy',
    'inTreeModuleToRemove',
    'kernelMappings',
    'modprobe',
    'registryTLS',
    'version',
  ],
  mapping: ['containerImage', 'inTreeModuleToRemove', 'literal'],
} as const;

it('our works hold nothing that an upstream spoke of the 4.12 guide does not know, and all that it requires', () => {
  const image = `registry.test/kmod@sha256:${'a'.repeat(64)}`;
  const mcm: ManagedClusterModule = {
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ManagedClusterModule',
    metadata: { name: 'my-mcm' },
    spec: {
      spokeNamespace: NAMESPACE,
      selector: {},
      moduleSpec: {
        selector: { worker: 'yes' },
        imageRepoSecret: { name: 'pull' },
        devicePlugin: { container: { image: 'registry.test/plugin:1' } },
        moduleLoader: {
          serviceAccountName: 'loader',
          container: {
            modprobe,
            version: '1',
            inTreeModuleToRemove: 'dummy',
            registryTLS: { insecureSkipTLSVerify: true },
            build: { dockerfileConfigMap: { name: 'dockerfile' } },
            sign: { keySecret: { name: 'key' }, certSecret: { name: 'cert' }, filesToSign: ['/opt/kmod.ko'] },
            kernelMappings: [{ regexp: '^.+$', containerImage: 'registry.test/kmod:v1' }],
          },
        },
      },
    },
  };
  const { spec } = pinnedModule(mcm, [{ kernel: KERNEL, image, inTreeModulesToRemove: ['dummy'] }]);
  const container = spec.moduleLoader?.container;
  const unknown = (of: object | undefined, known: readonly string[]) =>
    Object.keys(of ?? {}).filter((key) => !known.includes(key));

  expect(unknown(spec, KNOWN.spec)).toEqual([]);
  expect(unknown(spec.moduleLoader, KNOWN.moduleLoader)).toEqual([]);
  expect(unknown(container, KNOWN.container)).toEqual([]);
  expect(container?.kernelMappings).toEqual([
    expect.objectContaining({ literal: KERNEL, containerImage: image }),
  ]);
  expect(container?.kernelMappings.flatMap((mapping) => unknown(mapping, KNOWN.mapping))).toEqual([]);
  expect(container?.modprobe.moduleName).toBe('kmod');
});
