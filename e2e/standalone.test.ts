import { isTrue, LABELS, type Module, type ModuleImage, OPERATOR, RESOURCES } from '@kmm-fleet/api';
import { createRegistry, imageLimits } from '@kmm-fleet/images';
import { createFakeBuilder, createMemoryRegistry, pushImage, testPair } from '@kmm-fleet/images/testing';
import { createFleet } from '@kmm-fleet/lab';
import {
  CORE,
  createEvents,
  createKubeClient,
  createLog,
  createManualClock,
  createRandom,
  deepEqual,
  type KubeClient,
  listAll,
} from '@kmm-fleet/runtime';
import { createSpoke } from '@kmm-fleet/spoke';
import { createStandaloneImages } from '@kmm-fleet/spoke/standalone';
import { expect, it } from 'vitest';
import { addImageStreams, putToolkits } from './images/image-streams.ts';
import { MODULES_ANNOTATION } from './story/world.ts';

const NAMESPACE = OPERATOR.namespace;
const KERNEL = '6.1.0-55-amd64';

/** One cluster without a hub: the operator builds, signs and loads by itself. */
async function standaloneWorld(
  over: { readonly firmwarePath?: string; readonly osImage?: string } = {},
  onServer = async (_client: KubeClient) => {},
  /** Joins without the label that Modules select. */
  spare: readonly string[] = [],
  limits = imageLimits(),
) {
  const clock = createManualClock(Date.UTC(2027, 0, 1));
  const random = createRandom(11);
  const logs: string[] = [];
  const log = createLog('test', { write: (line) => logs.push(line), now: clock.now });
  const transport = createMemoryRegistry();
  const registry = createRegistry({ transport, clock, random });
  const trusted = [testPair('rsa').certificate];
  const node = { name: 'n1', kernel: KERNEL, labels: { worker: 'yes' }, secureBoot: true, trusted };
  const nodes = [{ ...node, ...over }, ...spare.map((name) => ({ ...node, name, labels: {} }))];
  const fleet = createFleet({
    clock,
    random,
    log,
    registryTransport: transport,
    clusters: [{ name: 'one', nodes }],
  });
  const stop = new AbortController();
  const running = [fleet.run(stop.signal)];
  const server = fleet.clusters.get('one')?.server;
  if (!server) throw new RangeError('the fleet has one cluster');
  const client = (userAgent: string) =>
    createKubeClient({ transport: server.transport, clock, random, userAgent });
  const user = client('user');
  const builder = createFakeBuilder(registry);
  let life = new AbortController();

  const operate = () => {
    life = new AbortController();
    const events = createEvents({ client: client('kmm'), clock, component: 'kmm', log });
    const ports = { client: client('kmm'), clock, random, log, events, operatorNamespace: NAMESPACE };
    const images = createStandaloneImages({ ...ports, registry, builder, limits });
    running.push(createSpoke({ ...ports, images, isManaged: false }).run(life.signal));
  };
  const secret = (name: string, key: string, bytes: Buffer) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: NAMESPACE },
    data: { [key]: bytes.toString('base64') },
  });
  await user.create(CORE.secret, secret('key', 'key', testPair('rsa').keyPem));
  await user.create(CORE.secret, secret('cert', 'cert', testPair('rsa').certPem));
  await user.create(CORE.configMap, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'dockerfile', namespace: NAMESPACE },
    data: { dockerfile: '# module {"name":"kmod"}\nFROM scratch\n' },
  });
  const module = async (name: string) =>
    (await user.get(RESOURCES.module, { namespace: NAMESPACE, name })) as unknown as Module | undefined;
  const condition = async (name: string, wanted: string) =>
    (await module(name))?.status?.conditions?.find(({ type }) => type === wanted);
  await onServer(user);
  operate();
  return {
    clock,
    user,
    registry,
    transport,
    built: builder.built,
    restart: operate,
    end: () => life.abort(),
    apply: (name: string, modprobe: object = {}, mapping: object = {}) =>
      user.apply(
        RESOURCES.module,
        {
          apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
          kind: 'Module',
          metadata: { name, namespace: NAMESPACE },
          spec: {
            selector: { worker: 'yes' },
            moduleLoader: {
              container: {
                modprobe: { moduleName: 'kmod', ...modprobe },
                kernelMappings: [
                  {
                    regexp: '^.+-amd64$',
                    containerImage: `registry.test/${name}:\${KERNEL_FULL_VERSION}`,
                    build: { dockerfileConfigMap: { name: 'dockerfile' } },
                    sign: { keySecret: { name: 'key' }, certSecret: { name: 'cert' } },
                    ...mapping,
                  },
                ],
              },
            },
          },
        },
        { fieldManager: 'user', force: true },
      ),
    module,
    condition,
    dockerfile: (dockerfile: string) =>
      user.mergePatch(
        CORE.configMap,
        { namespace: NAMESPACE, name: 'dockerfile' },
        { data: { dockerfile } },
        { fieldManager: 'user' },
      ),
    is: async (name: string, type: string) => (await condition(name, type))?.status === 'True',
    images: () => listAll<ModuleImage>(user, RESOURCES.moduleImage),
    loaded: async (name = 'n1') =>
      (await user.get(CORE.node, { name }))?.metadata.annotations?.[MODULES_ANNOTATION],
    async until(what: string, check: () => Promise<boolean>) {
      for (const end = clock.now() + 900_000; !(await check()); await clock.advance(500))
        if (clock.now() > end) throw new Error(`${what} did not come\n${logs.slice(-10).join('')}`);
    },
    async stop() {
      life.abort();
      stop.abort();
      await clock.advance(1_000);
      await Promise.all(running);
    },
  };
}

it('builds, signs, pins and loads on a single cluster, and says so', async () => {
  const world = await standaloneWorld();
  await world.apply('kmod');
  await world.until('a loaded module', async () => (await world.loaded()) === 'kmod');

  const [image] = await world.images();
  const [daemonSet] = await listAll(world.user, CORE.daemonSet, { labelSelector: LABELS.moduleName });
  expect(image?.status).toMatchObject({ state: 'Ready', reason: 'Signed' });
  expect(JSON.stringify(daemonSet?.['spec'])).toContain(`registry.test/kmod@${image?.status?.digest}`);
  await world.until('the status', async () => {
    const module = await world.module('kmod');
    return module?.status?.moduleLoader?.availableNumber === 1;
  });
  await world.stop();
});

it('builds nothing again after a restart, and removes the image of a Module that went meanwhile', async () => {
  const world = await standaloneWorld();
  await world.apply('kmod');
  await world.apply('other');
  await world.until('both images', async () => {
    const images = await world.images();
    return images.length === 2 && images.every(({ status }) => status?.state === 'Ready');
  });

  world.end();
  await world.user.mergePatch(
    RESOURCES.module,
    { namespace: NAMESPACE, name: 'other' },
    { metadata: { finalizers: null } },
    {},
  );
  await world.user.delete(RESOURCES.module, { namespace: NAMESPACE, name: 'other' });
  world.restart();

  await world.until('one image', async () => (await world.images()).length === 1);
  expect((await world.images())[0]?.spec.image).toBe(`registry.test/kmod:${KERNEL}`);
  expect(world.built).toHaveLength(2);
  await world.stop();
});

it('is progressing while an image is made, and degraded for as long as it cannot be', async () => {
  const world = await standaloneWorld();
  await world.dockerfile('# module {"name":"kmod"}\nFROM scratch\nRUN sleep infinity\n');
  await world.apply('kmod');
  const reasons = async () => [
    (await world.condition('kmod', 'Progressing'))?.reason,
    (await world.condition('kmod', 'Degraded'))?.reason,
  ];
  const become = (...wanted: readonly string[]) =>
    world.until(wanted.join(), async () => deepEqual(await reasons(), wanted));

  await become('ImageBuilding', 'NoFailure');
  await world.dockerfile('# module {"name":"kmod"}\nFROM scratch\nRUN exit 3\n');
  await become('NodesLoading', 'BuildFailed');
  await world.dockerfile('# module {"name":"kmod"}\nFROM scratch\n');
  await become('Settled', 'NoFailure');
  await world.stop();
});

it('makes a ModuleImage anew that somebody deletes or edits, however old it is, and builds nothing again', async () => {
  const world = await standaloneWorld();
  await world.apply('kmod');
  await world.until('a Module that is ready', () => world.is('kmod', 'Ready'));
  const [before] = await world.images();
  const name = before?.metadata.name ?? '';
  const isBack = async () => {
    const [image] = await world.images();
    return (
      deepEqual(image?.spec, before?.spec) &&
      image?.status?.state === 'Ready' &&
      (await world.is('kmod', 'Ready'))
    );
  };

  for (const damage of [
    () => world.user.delete(RESOURCES.moduleImage, { name }, {}),
    () => world.user.mergePatch(RESOURCES.moduleImage, { name }, { spec: { build: null } }, {}),
  ]) {
    await world.clock.advance(600_000);
    await damage();
    expect(await isBack()).toBe(false);
    await world.until('the image as it was', isBack);
    expect((await world.images())[0]?.status?.digest).toBe(before?.status?.digest);
  }
  expect(world.built).toHaveLength(1);
  await world.stop();
});

it('looks for an image that a node cannot pull, also where no image is looked for by the clock', async () => {
  const world = await standaloneWorld({}, undefined, ['n2'], { ...imageLimits(), checkMs: 0 });
  await world.apply('kmod');
  await world.until('a Module that is ready', () => world.is('kmod', 'Ready'));
  await world.clock.advance(600_000);
  const [before] = await world.images();
  world.transport.wipe('kmod');
  await world.user.mergePatch(CORE.node, { name: 'n2' }, { metadata: { labels: { worker: 'yes' } } }, {});

  await world.until(
    'word of it',
    async () => (await world.condition('kmod', 'Degraded'))?.message?.includes('is Missing') ?? false,
  );
  await world.until('the module on the other node', async () => (await world.loaded('n2')) === 'kmod');
  await world.until('a Module that is ready', () => world.is('kmod', 'Ready'));
  expect((await world.images())[0]?.status?.digest).toBe(before?.status?.digest);
  expect(world.built).toHaveLength(2);
  await world.stop();
});

it('tells Modules that would put different contents into one image, for as long as they would', async () => {
  const world = await standaloneWorld();
  const shared = { containerImage: `registry.test/shared:\${KERNEL_FULL_VERSION}` };
  await world.apply('one', {}, shared);
  await world.apply('two', {}, shared);
  for (const name of ['one', 'two'])
    await world.until(`the conflict of ${name}`, async () => {
      const degraded = await world.condition(name, 'Degraded');
      return degraded?.status === 'True' && degraded.reason === 'RecipeConflict';
    });

  world.end();
  world.restart();
  await world.apply('two');
  for (const name of ['one', 'two'])
    await world.until(`an image of ${name}`, async () => !(await world.is(name, 'Degraded')));
  await world.stop();
});

it('loads a module with firmware on a node that does not look for it, and says what is missing', async () => {
  const world = await standaloneWorld({ firmwarePath: '' });
  await world.apply('kmod', { firmwarePath: '/firmware' });
  await world.until('the warning', async () => {
    const conditions = (await world.module('kmod'))?.status?.conditions ?? [];
    const warning = conditions.find(({ type }) => type === 'FirmwarePathNotSet');
    return isTrue(conditions, 'Ready') && (warning?.message ?? '').includes('does not look on n1');
  });
  await world.stop();
});

it('takes the toolkit that OpenShift has for its own nodes', async () => {
  const version = '412.86.202302211547-0';
  const osImage = `Red Hat Enterprise Linux CoreOS ${version} (Ootpa)`;
  const world = await standaloneWorld({ osImage }, async (client) => {
    await addImageStreams(client);
    await putToolkits(client, { [version]: 'registry.test/art:1' });
    const dockerfile = '# module {"name":"kmod"}\nARG DTK_AUTO\nFROM ${DTK_AUTO}\n';
    const name = { namespace: NAMESPACE, name: 'dockerfile' };
    await client.mergePatch(CORE.configMap, name, { data: { dockerfile } }, { fieldManager: 'user' });
  });
  await pushImage(world.registry, 'registry.test/art:1', {}, { '/toolkit': '' });
  await world.apply('kmod');

  await world.until('a loaded module', async () => (await world.loaded()) === 'kmod');
  await world.stop();
});
