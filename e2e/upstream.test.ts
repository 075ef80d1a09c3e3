import {
  FEEDBACK_NAMES,
  LABELS,
  type ManagedClusterModule,
  OPERATOR,
  pinnedModule,
  RESOURCES,
} from '@kmm-fleet/api';
import { createRegistry } from '@kmm-fleet/images';
import { createFakeBuilder, createMemoryRegistry } from '@kmm-fleet/images/testing';
import { createFleet } from '@kmm-fleet/lab';
import {
  CORE,
  createEvents,
  createKubeClient,
  createManualClock,
  createRandom,
  type KubeObject,
  silentLog,
} from '@kmm-fleet/runtime';
import { createSpoke } from '@kmm-fleet/spoke';
import { describe, expect, it } from 'vitest';
import { MODULES_ANNOTATION } from './story/world.ts';

const KERNEL = '6.1.0-55-amd64';
const NAMESPACE = OPERATOR.namespace;

/** One cluster with our spoke, and a registry with a module in it; whoever likes writes works on the hub. */
async function spokeWorld() {
  const clock = createManualClock(Date.UTC(2027, 0, 1));
  const random = createRandom(3);
  const transport = createMemoryRegistry();
  const registry = createRegistry({ transport, clock, random });
  const { digest } = await createFakeBuilder(registry).build({
    dockerfile: '# module {"name":"kmod"}\nFROM scratch\n',
    buildArgs: { KERNEL_FULL_VERSION: KERNEL },
    secrets: [],
    target: 'registry.test/kmod:v1',
    labels: {},
    baseAccess: {},
    targetAccess: {},
  });
  const nodes = [{ name: 'n1', kernel: KERNEL, labels: { worker: 'yes' } }];
  const clusters = [{ name: 'one', nodes }];
  const fleet = createFleet({ clock, random, log: silentLog, registryTransport: transport, clusters });
  const server = fleet.clusters.get('one')?.server ?? fleet.hub;
  const client = (to: typeof server, userAgent: string) =>
    createKubeClient({ transport: to.transport, clock, random, userAgent });
  const kmm = client(server, 'kmm');
  const events = createEvents({ client: kmm, clock, component: 'kmm', log: silentLog });
  const ports = { client: kmm, clock, random, log: silentLog, events, operatorNamespace: NAMESPACE };
  const stop = new AbortController();
  const running = [fleet.run(stop.signal), createSpoke({ ...ports, isManaged: true }).run(stop.signal)];
  return {
    digest,
    hub: client(fleet.hub, 'upstream'),
    user: client(server, 'user'),
    async until(what: string, check: () => Promise<boolean>) {
      for (const end = clock.now() + 300_000; !(await check()); await clock.advance(500))
        if (clock.now() > end) throw new Error(`${what} did not come`);
    },
    async stop() {
      stop.abort();
      await clock.advance(1_000);
      await Promise.all(running);
    },
  };
}

/** The work of an upstream hub: its label alone, a Module with null times and empty counts, no scrape type. */
function upstreamWork(container: object, feedback: readonly string[]): KubeObject {
  const metadata = { creationTimestamp: null, name: 'my-mcm', namespace: NAMESPACE };
  const module = {
    apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
    kind: 'Module',
    metadata,
    spec: { moduleLoader: { container }, selector: { worker: 'yes' } },
    status: { devicePlugin: {}, moduleLoader: {} },
  };
  const jsonPaths = feedback.map((name) => ({ name, path: `.status.${name}` }));
  return {
    apiVersion: 'work.open-cluster-management.io/v1',
    kind: 'ManifestWork',
    metadata: { name: 'my-mcm', namespace: 'one', labels: { [LABELS.managedClusterModule]: 'my-mcm' } },
    spec: {
      workload: { manifests: [module] },
      manifestConfigs: [
        {
          resourceIdentifier: {
            group: 'kmm.sigs.x-k8s.io',
            name: 'my-mcm',
            namespace: NAMESPACE,
            resource: 'modules',
          },
          feedbackRules: [{ type: 'JSONPaths', jsonPaths }],
        },
      ],
    },
  };
}

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
    const world = await spokeWorld();
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
