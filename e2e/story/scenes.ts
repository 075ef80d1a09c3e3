import assert from 'node:assert/strict';
import {
  FAILURE_FEEDBACK,
  FEEDBACK_NAMES,
  isTrue,
  kernelsFromClaims,
  LABELS,
  type ManagedCluster,
  RESOURCES,
  readyLabel,
} from '@kmm-fleet/api';
import { typeOf } from '@kmm-fleet/policies';
import { CORE, type KubeObject, listAll } from '@kmm-fleet/runtime';
import {
  daemonSets,
  HUB_NAMESPACE,
  images,
  KERNEL_ANNOTATION,
  loadedModules,
  MCM,
  mcm,
  moduleOn,
  NAMESPACE,
  pinsOf,
  pods,
  type World,
  works,
} from './world.ts';

/** One step of the story: what is done, and what must then be seen. */
export interface Scene {
  readonly name: string;
  readonly title: string;
  /** The command a user would give; shown in the demo. */
  readonly command?: (world: World) => string;
  /** kubectl arguments that show the result. */
  readonly show?: readonly string[];
  run(world: World): Promise<void>;
}

const SELECT = { 'wants-my-mcm': 'true' };
const DIGEST = /^[^@]+@sha256:[0-9a-f]{64}$/;
const BOTH = ['kmm_demo_a', 'kmm_demo_b'];

async function apply(world: World, object: KubeObject): Promise<void> {
  // As kubectl leaves it, so that a user who applies the same file is not warned.
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': `${JSON.stringify(object)}\n` };
  const metadata = { ...object.metadata, annotations: { ...object.metadata.annotations, ...annotations } };
  await world.hub.apply(typeOf(object), { ...object, metadata }, { fieldManager: 'user', force: true });
}

const label = (world: World, cluster: string, labels: Record<string, string | null>) =>
  world.hub.mergePatch(
    RESOURCES.managedCluster,
    { name: cluster },
    { metadata: { labels } },
    { fieldManager: 'user' },
  );

/** The Dockerfile of the demo, changed by a function. */
async function editDockerfile(world: World, edit: (text: string) => string): Promise<void> {
  const name = { namespace: HUB_NAMESPACE, name: 'my-kmod-dockerfile' };
  const configMap = await world.hub.get(CORE.configMap, name);
  const before = (configMap?.['data'] as Record<string, string> | undefined)?.['dockerfile'] ?? '';
  const patch = { data: { dockerfile: edit(before) } };
  await world.hub.mergePatch(CORE.configMap, name, patch, { fieldManager: 'user' });
}

const readyImages = async (world: World) =>
  (await images(world)).filter(({ status }) => status?.state === 'Ready');

/** Where a loader runs, by the uid of its pod: a restart shows as another uid. */
async function loaderPods(world: World, cluster: string): Promise<Record<string, string>> {
  const loaders = (await pods(world, cluster)).filter(
    ({ metadata }) => metadata.labels?.[LABELS.kernelVersion],
  );
  return Object.fromEntries(
    loaders.map(({ metadata, ...pod }) => [
      (pod['spec'] as { nodeName: string }).nodeName,
      metadata.uid ?? '',
    ]),
  );
}

/** Whether every loader is ready and runs the image that the work of its cluster pins. */
async function loadersFollowPins(world: World): Promise<boolean> {
  const perWork = (await works(world)).map(async (work) => {
    const pins = pinsOf(work);
    const loaders = (await pods(world, work.metadata.namespace ?? '')).filter(
      ({ metadata }) => metadata.labels?.[LABELS.kernelVersion],
    );
    return loaders.every(({ metadata, ...pod }) => {
      const image = pins[metadata.labels?.[LABELS.kernelVersion] ?? ''];
      const { containers } = pod['spec'] as { containers: { image: string }[] };
      const status = pod['status'] as { conditions?: { type: string; status: string }[] } | undefined;
      return containers[0]?.image === image && isTrue(status?.conditions, 'Ready');
    });
  });
  return (await Promise.all(perWork)).every(Boolean);
}

async function allLoaded(world: World): Promise<boolean> {
  const perCluster = await Promise.all(world.clusters.map((cluster) => loadedModules(world, cluster)));
  const nodes = perCluster.flatMap((modules) => Object.entries(modules));
  const served = nodes.filter(([, modules]) => modules.length > 0).length;
  return served === nodes.length - 1;
}

export const SCENES: readonly Scene[] = [
  {
    name: '1',
    title: 'The user applies signing Secrets, a Dockerfile that uses DTK_AUTO, and a ManagedClusterModule',
    command: () =>
      'kubectl apply -f .lab/manifests && kubectl label managedcluster east west edge wants-my-mcm=true',
    async run(world) {
      await Promise.all(
        world.clusters.map((cluster) =>
          world.until(`claim of ${cluster}`, () => claimArrived(world, cluster)),
        ),
      );
      for (const object of world.manifests) await apply(world, object);
      for (const cluster of world.clusters) await label(world, cluster, SELECT);
    },
  },
  {
    name: '2',
    title: 'The hub builds two images for three clusters, signs them and resolves their digests',
    show: ['get', 'moduleimages'],
    async run(world) {
      const ready = await world.until('two images', async () => {
        const found = await readyImages(world);
        return found.length === 2 && found;
      });
      assert.deepEqual(
        ready.map(({ spec }) => spec.kernelVersion).sort(),
        [world.kernels.common, world.kernels.edge].sort(),
      );
      assert.equal((await images(world)).length, 2);
      for (const { status } of ready) assert.match(status?.digest ?? '', /^sha256:[0-9a-f]{64}$/);
    },
  },
  {
    name: '3',
    title: 'Each cluster gets one ManifestWork with literals and digests, nothing to build or sign',
    show: ['get', 'manifestworks', '-A'],
    async run(world) {
      const all = await world.until('three works', async () => {
        const found = await works(world);
        return found.length === world.clusters.length && found;
      });
      for (const work of all) {
        const text = JSON.stringify(work.spec);
        assert.doesNotMatch(text, /"build"|"sign"|"regexp"/);
        assert.equal(work.metadata.labels?.[LABELS.managedClusterModule], MCM);
        assert.equal(work.spec.manifestConfigs?.[0]?.feedbackScrapeType, 'Watch');
        const rules = work.spec.manifestConfigs?.[0]?.feedbackRules?.[0]?.jsonPaths ?? [];
        assert.deepEqual(
          rules.map(({ name }) => name),
          [...FEEDBACK_NAMES, ...FAILURE_FEEDBACK.map(({ name }) => name)],
        );
        const kernel = work.metadata.namespace === 'edge' ? world.kernels.edge : world.kernels.common;
        assert.deepEqual(Object.keys(pinsOf(work)), [kernel]);
        assert.match(pinsOf(work)[kernel] ?? '', DIGEST);
      }
    },
  },
  {
    name: '4',
    title: 'The work agents apply them and report conditions and feedback',
    async run(world) {
      await world.until('applied and reported works', async () => {
        const all = await works(world);
        return (
          all.every(
            (work) =>
              isTrue(work.status?.conditions, 'Applied') && isTrue(work.status?.conditions, 'Available'),
          ) || undefined
        );
      });
      await world.until('feedback', async () => {
        const all = await works(world);
        const values = all.map(
          (work) => work.status?.resourceStatus?.manifests?.[0]?.statusFeedback?.values ?? [],
        );
        return (
          values.every((list) => list.some(({ name }) => name === 'moduleLoader.availableNumber')) ||
          undefined
        );
      });
    },
  },
  {
    name: '5',
    title: 'The spokes run a loader per kernel, then the device plugin, and label their nodes',
    show: ['--context', 'east', 'get', 'daemonsets,pods', '-n', 'openshift-kmm'],
    async run(world) {
      await world.until('ready labels on all mapped nodes', async () => {
        const nodes = await listAll(world.cluster('east'), CORE.node);
        return (
          nodes.every(({ metadata }) => metadata.labels?.[readyLabel(NAMESPACE, MCM)] === '') || undefined
        );
      });
      await world.until('device plugins', async () => {
        const status = (await moduleOn(world, 'east'))?.status;
        return status?.devicePlugin?.availableNumber === 2;
      });
      const sets = await daemonSets(world, 'east');
      assert.equal(sets.length, 2, 'one loader and one device plugin');
      const edge = await daemonSets(world, 'edge');
      assert.deepEqual(edge.map(({ metadata }) => metadata.labels?.[LABELS.kernelVersion]).filter(Boolean), [
        world.kernels.edge,
      ]);
    },
  },
  {
    name: '6',
    title:
      'The nodes pulled by digest, ran the hooks and hold both modules; the unmapped node is told, not touched',
    show: ['get', 'mcm', '-o', 'wide'],
    async run(world) {
      await world.until('modules on every mapped node', async () => (await allLoaded(world)) || undefined);
      assert.deepEqual(await loadedModules(world, 'west'), { 'west-1': BOTH, 'west-2': BOTH });
      assert.deepEqual(await loadedModules(world, 'edge'), { 'edge-1': BOTH, 'edge-2': [] });
      const status = await world.until('a settled status', async () => {
        const found = (await mcm(world))?.status;
        return found?.clusters?.ready === 2 && found.numberApplied === 3 && found;
      });
      const [waiting] = status.waiting ?? [];
      assert.deepEqual(
        [waiting?.cluster, waiting?.reason, waiting?.kernel],
        ['edge', 'KernelNotMapped', world.kernels.unmapped],
      );
    },
  },
  {
    name: '7',
    title: 'One node of west gets a new kernel: one more image, one loader changes, nobody else restarts',
    command: ({ kernels }) =>
      `kubectl --context west annotate node west-1 ${KERNEL_ANNOTATION}=${kernels.upgrade}`,
    show: ['get', 'moduleimages'],
    async run(world) {
      const before = {
        west: await loaderPods(world, 'west'),
        east: await loaderPods(world, 'east'),
        edge: await loaderPods(world, 'edge'),
      };
      const pinBefore = pinsOf((await works(world)).find(({ metadata }) => metadata.namespace === 'west'));
      const annotations = { [KERNEL_ANNOTATION]: world.kernels.upgrade };
      await world
        .cluster('west')
        .mergePatch(CORE.node, { name: 'west-1' }, { metadata: { annotations } }, { fieldManager: 'user' });
      await world.until(
        'an image for the new kernel',
        async () =>
          (await readyImages(world)).some(({ spec }) => spec.kernelVersion === world.kernels.upgrade) ||
          undefined,
      );
      await world.until('the module on the new kernel', async () => {
        const loader = (await pods(world, 'west')).find(
          ({ metadata }) => metadata.labels?.[LABELS.kernelVersion] === world.kernels.upgrade,
        );
        const status = loader?.['status'] as { conditions?: { type: string; status: string }[] } | undefined;
        return (
          isTrue(status?.conditions, 'Ready') && (await loadedModules(world, 'west'))['west-1']?.length === 2
        );
      });
      assert.equal((await images(world)).length, 3);
      const after = await loaderPods(world, 'west');
      assert.equal(after['west-2'], before.west['west-2'], 'the other node of west keeps its pod');
      assert.notEqual(after['west-1'], before.west['west-1']);
      assert.deepEqual(await loaderPods(world, 'east'), before.east);
      assert.deepEqual(await loaderPods(world, 'edge'), before.edge);
      const pins = pinsOf((await works(world)).find(({ metadata }) => metadata.namespace === 'west'));
      assert.equal(pins[world.kernels.common], pinBefore[world.kernels.common]);
      const told = (await listAll(world.hub, CORE.event)).filter((event) => event['type'] === 'Warning');
      const words = told.map((event) => `${event['reason']}: ${event['message']}`).join('\n');
      assert.doesNotMatch(words, /No kernel mapping matches/, 'the new kernel has a mapping');
    },
  },
  {
    name: '8a',
    title: 'The Dockerfile changes: new digests roll out',
    command: () => 'kubectl -n openshift-kmm-hub edit configmap my-kmod-dockerfile',
    async run(world) {
      const before = (await works(world)).flatMap((work) => Object.values(pinsOf(work)));
      await editDockerfile(world, (text) => `${text}LABEL edition=second\n`);
      await world.until('new digests everywhere', async () => {
        const pins = (await works(world)).map(pinsOf);
        const images = pins.flatMap((map) => Object.values(map));
        return images.every((image) => DIGEST.test(image) && !before.includes(image)) && images.length === 4;
      });
      await world.until('new loaders only', async () => (await loadersFollowPins(world)) || undefined);
      await world.until('modules on every mapped node', async () => (await allLoaded(world)) || undefined);
      await world.until('a settled status', async () => (await mcm(world))?.status?.clusters?.ready === 2);
    },
  },
  {
    name: '8b',
    title: 'A broken Dockerfile leaves what runs untouched and says why',
    show: ['get', 'mcm', MCM, '-o', 'jsonpath={.status.conditions[?(@.type=="Degraded")].message}'],
    async run(world) {
      const before = { pins: (await works(world)).map(pinsOf), pods: await loaderPods(world, 'east') };
      await editDockerfile(world, (text) => `${text}RUN exit 7\n`);
      const degraded = await world.until('a reason', async () => {
        const condition = (await mcm(world))?.status?.conditions?.find(({ type }) => type === 'Degraded');
        return condition?.status === 'True' && condition;
      });
      assert.equal(degraded.reason, 'BuildFailed');
      assert.match(degraded.message, /exit status 7/);
      assert.deepEqual((await works(world)).map(pinsOf), before.pins);
      assert.deepEqual(await loaderPods(world, 'east'), before.pods);
      await editDockerfile(world, (text) => text.replace('RUN exit 7\n', ''));
      await world.until('all well again', async () => (await mcm(world))?.status?.clusters?.ready === 2);
      assert.deepEqual((await works(world)).map(pinsOf), before.pins, 'equal inputs are not built twice');
    },
  },
  {
    name: '9a',
    title: 'A cluster loses its label: its module is unloaded, the others do not notice',
    command: () => 'kubectl label managedcluster east wants-my-mcm-',
    show: ['get', 'manifestworks', '-A'],
    async run(world) {
      const before = await loaderPods(world, 'west');
      await label(world, 'east', { 'wants-my-mcm': null });
      await world.until('an empty east', async () => {
        const modules = Object.values(await loadedModules(world, 'east')).flat();
        return (
          modules.length === 0 &&
          !(await moduleOn(world, 'east')) &&
          !(await works(world)).some(({ metadata }) => metadata.namespace === 'east')
        );
      });
      const nodes = await listAll(world.cluster('east'), CORE.node);
      assert.ok(nodes.every(({ metadata }) => metadata.labels?.[readyLabel(NAMESPACE, MCM)] === undefined));
      assert.deepEqual(await daemonSets(world, 'east'), []);
      assert.deepEqual(await loaderPods(world, 'west'), before);
    },
  },
  {
    name: '9b',
    title: 'The module is deleted: everything is unloaded, nothing is left behind',
    command: () => `kubectl delete mcm ${MCM}`,
    show: ['get', 'mcm,moduleimages,manifestworks', '-A'],
    async run(world) {
      await world.hub.delete(RESOURCES.managedClusterModule, { name: MCM });
      await world.until('nothing left', async () => {
        if ((await works(world)).length > 0 || (await images(world)).length > 0 || (await mcm(world)))
          return undefined;
        const left = await Promise.all(
          world.clusters.map(async (cluster) => [
            ...Object.values(await loadedModules(world, cluster)).flat(),
            ...(await daemonSets(world, cluster)),
            ...(await pods(world, cluster)),
          ]),
        );
        return left.flat().length === 0;
      });
      for (const cluster of world.clusters) {
        assert.equal(await moduleOn(world, cluster), undefined);
        const nodes = await listAll(world.cluster(cluster), CORE.node);
        assert.ok(nodes.every(({ metadata }) => metadata.labels?.[readyLabel(NAMESPACE, MCM)] === undefined));
      }
    },
  },
];

async function claimArrived(world: World, cluster: string): Promise<boolean> {
  const object = await world.hub.get(RESOURCES.managedCluster, { name: cluster });
  return kernelsFromClaims((object as ManagedCluster | undefined)?.status?.clusterClaims).ok;
}
