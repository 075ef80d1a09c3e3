import {
  LABELS,
  type LoaderContainer,
  loaderVersionLabel,
  type ManifestWork,
  type Module,
  moduleVersionLabel,
  OPERATOR,
  RESOURCES,
} from '@kmm-fleet/api';
import type { SigningPair } from '@kmm-fleet/images';
import { testPair } from '@kmm-fleet/images/testing';
import { CORE, type KubeObject } from '@kmm-fleet/runtime';
import { describe, expect, it, onTestFinished } from 'vitest';
import { pinsOf } from './story/world.ts';
import { upstreamLoader, upstreamWork } from './upstream/upstream-objects.ts';
import { KERNEL, loaded, running, type UpstreamWorld, upstreamWorld } from './upstream/upstream-world.ts';

const namespace = OPERATOR.namespace;

/** A cluster as an upstream spoke has left it: its node is labelled, its loader runs and the module is loaded. */
async function upstreamCluster(
  container: Partial<LoaderContainer>,
  edition: Parameters<typeof upstreamLoader>[1],
  signer?: SigningPair,
) {
  const world = await upstreamWorld(signer);
  onTestFinished(() => world.stop());
  const { modprobe = { moduleName: 'kmod', dirName: '/opt' }, ...rest } = container;
  const image = `registry.test/kmod@${world.digest}`;
  const [mapping] = rest.kernelMappings ?? [];
  const kernelMappings = [{ ...mapping, literal: KERNEL, containerImage: image }];
  await world.hub.create(RESOURCES.manifestWork, upstreamWork({ modprobe, ...rest, kernelMappings }, []));
  const find = () => world.user.get(RESOURCES.module, { namespace, name: 'my-mcm' });
  await world.until('the Module', async () => (await find()) !== undefined);
  const labels = {
    [LABELS.kernelVersion]: KERNEL,
    ...(rest.version && { [moduleVersionLabel(namespace, 'my-mcm')]: rest.version }),
    ...(rest.version && { [loaderVersionLabel(namespace, 'my-mcm')]: rest.version }),
  };
  await world.user.mergePatch(
    CORE.node,
    { name: 'n1' },
    { metadata: { labels } },
    { fieldManager: 'upstream' },
  );
  const loader = upstreamLoader((await find()) as unknown as Module, edition);
  await world.user.create(CORE.daemonSet, loader);
  await world.until('the module', async () => (await loaded(world)) === 'kmod');
  return world;
}

const isReady = async ({ user }: UpstreamWorld) => {
  const module = await user.get(RESOURCES.module, { namespace, name: 'my-mcm' });
  const { conditions = [] } = (module?.['status'] ?? {}) as Module['status'] & object;
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
};

const SHAPES: readonly [string, Partial<LoaderContainer>][] = [
  ['plain', {}],
  ['of an ordered upgrade', { version: '1' }],
  [
    'with parameters, and a module of the kernel to remove',
    {
      modprobe: { moduleName: 'kmod', dirName: '/opt', parameters: ['site=1'] },
      kernelMappings: [{ literal: KERNEL, containerImage: '', inTreeModuleToRemove: 'dummy' }],
    },
  ],
  ['with arguments', { modprobe: { moduleName: 'kmod', dirName: '/opt', args: { load: ['-v', '-i'] } } }],
  [
    'with an order of loading',
    { modprobe: { moduleName: 'kmod', dirName: '/opt', modulesLoadingOrder: ['kmod', 'other'] } },
  ],
  ['with firmware', { modprobe: { moduleName: 'kmod', dirName: '/opt', firmwarePath: '/firmware' } }],
];

describe.each(['1.1', '1.1 of OpenShift'] as const)('our spoke takes over from upstream %s', (edition) => {
  it.each(SHAPES)('a loader %s without a reload, and holds it from then on', async (_, container) => {
    const world = await upstreamCluster(container, edition);
    const before = await running(world);
    world.startSpoke();
    await world.until('readiness', () => isReady(world));
    await world.advance(120_000);

    expect(await running(world)).toEqual(before);
    expect(await loaded(world)).toBe('kmod');
    expect(
      world.writes.filter((write) => write.startsWith('kmm ') && write.includes('/daemonsets/')),
    ).toEqual([]);

    await world.hub.delete(RESOURCES.manifestWork, { namespace: 'one', name: 'my-mcm' }, {});
    await world.until(
      'the end',
      async () => !(await loaded(world)) && Object.keys(await running(world)).length === 0,
    );
  });
});

const build = { dockerfileConfigMap: { name: 'dockerfile' } };
const sign = {
  keySecret: { name: 'key' },
  certSecret: { name: 'cert' },
  unsignedImage: 'registry.test/kmod:v1',
};

/** What the upstream hub was given: its ManagedClusterModule, and what that refers to. */
async function upstreamHub(world: UpstreamWorld, container: object) {
  const hubNamespace = OPERATOR.hubNamespace;
  const { keyPem, certPem } = testPair('rsa');
  const data = (kind: string, name: string, values: object): KubeObject => ({
    apiVersion: 'v1',
    kind,
    metadata: { name, namespace: hubNamespace },
    data: values,
  });
  const text = '# module {"name":"kmod","parameters":["site"]}\n# newer than what was built\nFROM scratch\n';
  await world.hub.create(CORE.configMap, data('ConfigMap', 'dockerfile', { dockerfile: text }));
  await world.hub.create(CORE.secret, data('Secret', 'key', { key: keyPem.toString('base64') }));
  await world.hub.create(CORE.secret, data('Secret', 'cert', { cert: certPem.toString('base64') }));
  const kernelMappings = [{ regexp: '^.+$', containerImage: 'registry.test/kmod:v1', ...container }];
  const modprobe = { moduleName: 'kmod', dirName: '/opt' };
  await world.hub.create(RESOURCES.managedClusterModule, {
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ManagedClusterModule',
    metadata: { name: 'my-mcm' },
    spec: {
      spokeNamespace: namespace,
      selector: {},
      moduleSpec: { selector: { worker: 'yes' }, moduleLoader: { container: { modprobe, kernelMappings } } },
    },
  });
}

const workOf = async ({ hub }: UpstreamWorld) =>
  (await hub.get(RESOURCES.manifestWork, { namespace: 'one', name: 'my-mcm' })) as unknown as ManifestWork;

describe('our hub takes over a work of an upstream hub', () => {
  it.each<[string, object]>([
    ['of an image that was there', {}],
    ['of an image that upstream has built', { build }],
    ['of an image that upstream has signed', { sign }],
    ['of an image that upstream has built and signed', { build, sign }],
  ])('%s: the pin stays, nothing is made again, and no node reloads', async (_, container) => {
    const world = await upstreamCluster({}, '1.1', 'sign' in container ? testPair('rsa') : undefined);
    await upstreamHub(world, container);
    const [before, work] = [await running(world), await workOf(world)];
    world.startSpoke();
    world.startHub();
    const isOurs = async () => (await workOf(world)).metadata['ownerReferences'] !== undefined;
    await world.until('the takeover', async () => (await isOurs()) && isReady(world));
    await world.advance(120_000);

    const taken = await workOf(world);
    expect(taken.metadata.uid).toBe(work.metadata.uid);
    expect(pinsOf(taken)).toEqual({ [KERNEL]: `registry.test/kmod@${world.digest}` });
    expect(world.built).toEqual([]);
    expect(await running(world)).toEqual(before);
    expect(await loaded(world)).toBe('kmod');
  });
});
