import { deprecatedReadyLabel, LABELS, RESOURCES, readyLabel } from '@kmm-fleet/api';
import { AppError, CORE, canonicalJson, type KubeObject } from '@kmm-fleet/runtime';
import { afterEach, expect, it } from 'vitest';
import { DIGEST, K1, K2, literal, moduleObject, NAMESPACE, pinned, SELECTOR } from './testing/fixtures.ts';
import type { Call } from './testing/memory-cluster.ts';
import { node } from './testing/memory-nodes.ts';
import {
  createWorld,
  cutOff,
  deleted,
  edit,
  loadedWorld,
  PLUGIN,
  setKernel,
  setTaints,
  stopSpoke,
  type World,
} from './testing/spoke-world.ts';

const READY = readyLabel(NAMESPACE, 'kmod');
const CLAIM = 'kernel-versions.kmm.node.kubernetes.io';

afterEach(stopSpoke);

/** What is left at the end: everything but versions and times. */
const endState = ({ cluster }: World) =>
  canonicalJson(
    [CORE.node, CORE.daemonSet, RESOURCES.module, RESOURCES.clusterClaim].map((type) =>
      cluster.all(type).map((object) => JSON.parse(JSON.stringify(object, withoutVersions)) as unknown),
    ),
  );
const VERSIONS = new Set(['resourceVersion', 'generation', 'observedGeneration', 'lastTransitionTime']);
const withoutVersions = (name: string, value: unknown) => (VERSIONS.has(name) ? undefined : value);

const STORY: readonly ((world: World) => void)[] = [
  (world) => setKernel(world, 'n1', K2),
  (world) =>
    edit(world, (object) => ({
      ...object,
      spec: moduleObject(PLUGIN, { kernelMappings: [literal(K1, pinned('new')), literal(K2)] })['spec'],
    })),
  (world) => edit(world, deleted),
];

const story = async (seed: number) => {
  const world = await loadedWorld(seed);
  for (const step of STORY) {
    step(world);
    await world.calm();
  }
  return world;
};
const short = ({ verb, kind, key, body }: Call) => `${verb} ${kind} ${key} ${JSON.stringify(body ?? '')}`;

it('loads, labels, claims, reports, and says what it did', async () => {
  const { cluster, nodes, conditions, events, module } = await loadedWorld();
  expect(nodes.trace).toEqual([`load n1 ${pinned(`kmod-${K1}`)}`, `load n2 ${pinned(`kmod-${K1}`)}`]);
  expect(cluster.get(CORE.node, 'n1')?.metadata.labels).toMatchObject({
    [READY]: '',
    [deprecatedReadyLabel('kmod')]: '',
    [LABELS.kernelVersion]: K1,
  });
  expect(cluster.get(RESOURCES.clusterClaim, CLAIM)?.['spec']).toEqual({ value: K1 });
  expect(conditions()['Ready']).toMatchObject({ status: 'True', reason: 'Loaded' });
  expect(module()?.['status']).toMatchObject({
    moduleLoader: { availableNumber: 2 },
    devicePlugin: { availableNumber: 2 },
  });
  expect(events.filter((event) => event.startsWith('ModuleLoaded'))).toHaveLength(2);
});

it('a pod that changes before the watch tells our label writes no label and tells no loading twice', async () => {
  const { cluster, clock, events, writes } = await loadedWorld();
  const release = cluster.hold(CORE.node);
  const [pod] = cluster
    .all(CORE.pod)
    .filter(({ metadata }) => LABELS.kernelVersion in (metadata.labels ?? {}));
  if (!pod) throw new Error('no loader');
  const from = writes().length;
  const touched = (ready: string, startTime: string) => {
    const status = { startTime, conditions: [{ type: 'Ready', status: ready }] };
    cluster.put(CORE.pod, { ...pod, status });
    return clock.advance(1_000);
  };
  await touched('False', '1');
  await touched('False', '2');
  await touched('True', '3');
  await touched('True', '4');
  release();
  await clock.advance(1_000);

  const onNodes = writes()
    .slice(from)
    .filter(({ kind }) => kind === 'Node');
  expect(onNodes).toHaveLength(2);
  expect(events.filter((event) => event.startsWith('ModuleLoaded'))).toHaveLength(3);
});

it('the upgrade of one node touches no other node, and a deleted Module unloads plugin first', async () => {
  const world = await loadedWorld();
  setKernel(world, 'n1', K2);
  await world.calm();
  expect(world.nodes.trace.filter((line) => line.includes(' n2 '))).toHaveLength(1);
  expect(world.nodes.trace).toContain(`load n1 ${pinned(`kmod-${K2}`)}`);

  const from = world.writes().length;
  edit(world, deleted);
  await world.calm();
  const gone = world
    .writes()
    .slice(from)
    .filter(({ verb }) => verb === 'delete')
    .map(({ key }) => key.includes('device-plugin'));
  expect(gone).toEqual([true, false, false]);
  expect(world.nodes.trace.slice(-2).every((line) => line.startsWith('unload'))).toBe(true);
  expect([world.module(), world.cluster.all(CORE.daemonSet), world.cluster.all(CORE.pod)]).toEqual([
    undefined,
    [],
    [],
  ]);
  for (const { metadata } of world.cluster.all(CORE.node))
    expect(Object.keys(metadata.labels ?? {}).sort()).toEqual([LABELS.kernelVersion, 'worker']);
  expect(world.events.filter((event) => event.startsWith('ModuleUnloaded'))).toHaveLength(3);
});

it('a node that is cut off loses nothing, is not told to have lost it, and is not counted until it is back', async () => {
  const world = await loadedWorld();
  const { trace, silent } = world.nodes;
  const before = [...trace];
  cutOff(world, 'n1');
  await world.calm();
  const labels = () => world.cluster.get(CORE.node, 'n1')?.metadata.labels ?? {};
  expect(READY in labels()).toBe(false);
  expect(world.conditions()['Ready']).toMatchObject({
    status: 'False',
    message: '1 of 2 nodes have the module. Not ready, so nobody can tell of them: n1.',
  });
  expect(world.module()?.['status']).toMatchObject({
    moduleLoader: { desiredNumber: 2, availableNumber: 1 },
  });

  silent.delete('n1');
  setTaints(world, 'n1', []);
  await world.calm();
  expect(READY in labels()).toBe(true);
  expect(world.conditions()['Ready']).toMatchObject({ status: 'True', reason: 'Loaded' });
  expect(trace).toEqual(before);
  expect(world.events.filter((event) => event.startsWith('ModuleUnloaded'))).toEqual([]);
});

it('a Module that is deleted while a node is cut off stays until that node has unloaded it, and holds up no other', async () => {
  const world = await loadedWorld();
  cutOff(world, 'n1');
  await world.calm();
  edit(world, deleted);
  await world.calm();
  const told = () =>
    world.events.filter((event) => event.startsWith('ModuleUnload')).map((event) => event.split(' ')[0]);
  expect([told(), world.module() === undefined]).toEqual([['ModuleUnloaded'], false]);
  world.nodes.silent.delete('n1');
  setTaints(world, 'n1', []);
  await world.calm();
  // It had more time than its hook was given, and nobody has seen when that began.
  expect([told(), world.module() === undefined]).toEqual([['ModuleUnloaded', 'ModuleUnloadUnknown'], true]);
});

it.each<[string, (world: World) => void, RegExp]>([
  [
    'whose hook is cut off is not told as unloaded: its kernel may have it still',
    ({ nodes }) => nodes.hanging.add(pinned(`kmod-${K1}`)),
    /^ModuleUnloadUnknown .* is not known: its loader ended 30 s after it was told to, /,
  ],
  [
    'that does not leave with its loader is told with the words of the hook, and not as unloaded',
    ({ nodes }) => nodes.inUse.set(pinned(`kmod-${K1}`), 'modprobe: FATAL: Module kmod is in use.'),
    /^ModuleNotUnloaded .* stays in the kernel: modprobe: FATAL: Module kmod is in use\. /,
  ],
])('a module %s', async (_rule, prepare, words) => {
  const world = await loadedWorld();
  prepare(world);
  edit(world, deleted);
  await world.calm();
  const told = world.events.filter((event) => /^Module(Not)?Unload/.test(event));
  expect(told).toHaveLength(2);
  for (const event of told) expect(event).toMatch(words);
});

it('the same story is the same sequence of writes, byte by byte, for two seeds', async () => {
  for (const seed of [1, 7]) {
    const [first, second] = [await story(seed), await story(seed)];
    expect(first.writes().length).toBeGreaterThan(20);
    expect(second.writes().map(short)).toEqual(first.writes().map(short));
  }
});

it('whichever call fails, before or after it took effect: same end, and nobody is unloaded who should stay', {
  timeout: 60_000,
}, async () => {
  const upgrade = async (fault?: (call: Call, when: 'before' | 'after') => void) => {
    const world = createWorld();
    for (const name of ['n1', 'n2']) world.cluster.put(CORE.node, node(name, K1, SELECTOR));
    world.cluster.put(RESOURCES.module, moduleObject(PLUGIN));
    world.cluster.fault = fault;
    await world.start();
    await world.calm();
    setKernel(world, 'n1', K2);
    await world.calm();
    return world;
  };
  const expected = await upgrade();
  const calls = expected.cluster.calls.filter(({ verb }) => verb !== 'watch').length;
  expect(calls).toBeGreaterThan(15);
  for (let nth = 0; nth < calls; nth += 1) {
    for (const moment of ['before', 'after'] as const) {
      let seen = -1;
      const world = await upgrade((_, when) => {
        if (when === 'before') seen += 1;
        if (seen === nth && when === moment) {
          seen += 1_000;
          throw new AppError('API_ERROR', `call ${nth} fails ${moment}`);
        }
      });
      expect(endState(world), `call ${nth} ${moment}`).toBe(endState(expected));
      expect(
        world.nodes.trace.filter((line) => line.includes(' n2 ')),
        `call ${nth} ${moment}`,
      ).toHaveLength(1);
    }
  }
});

it('stopped and started again at each step of the story it ends the same', async () => {
  const world = await loadedWorld();
  for (const step of STORY.slice(0, 2)) {
    step(world);
    await world.clock.advance(70);
    await world.start();
    await world.calm();
  }
  const straight = await loadedWorld();
  for (const step of STORY.slice(0, 2)) {
    step(straight);
    await straight.calm();
  }
  expect(endState(world)).toBe(endState(straight));
});

it('a settled cluster is silent for hours, through heartbeats and a restart', async () => {
  const world = await loadedWorld();
  const [calls, lines] = [world.cluster.calls.length, world.lines.length];
  for (let beat = 0; beat < 100; beat += 1) {
    const observed = world.cluster.get(CORE.node, 'n1');
    if (observed) world.cluster.put(CORE.node, { ...observed, heartbeat: beat });
    await world.clock.advance(60_000);
  }
  expect([world.cluster.calls.length, world.lines.length]).toEqual([calls, lines]);
  const writes = world.writes().length;
  await world.start();
  await world.calm();
  expect(world.writes().length).toBe(writes);
});

it('an invalid Module leaves what runs as it is and says why', async () => {
  const world = await loadedWorld();
  const before = world.cluster.all(CORE.daemonSet);
  edit(world, (object) => ({ ...object, spec: { ...(object['spec'] as object), selectorr: {} } }));
  await world.calm();
  expect(world.cluster.all(CORE.daemonSet)).toEqual(before);
  expect(world.conditions()['Degraded']).toMatchObject({ status: 'True', reason: 'UnknownField' });
  expect(world.nodes.trace).toHaveLength(2);
});

it('a DaemonSet that the server refuses holds back no other kernel, and is told', async () => {
  const world = createWorld();
  world.cluster.put(CORE.node, node('n1', K1, SELECTOR));
  world.cluster.put(CORE.node, node('n2', K2, SELECTOR));
  world.cluster.put(RESOURCES.module, moduleObject());
  world.cluster.fault = ({ kind, body }) => {
    if (kind === 'DaemonSet' && JSON.stringify(body ?? '').includes(`kmod-${K1}`))
      throw new AppError('API_INVALID', 'admission says no');
  };
  await world.start();
  await world.calm();
  expect(world.nodes.trace).toEqual([`load n2 ${pinned(`kmod-${K2}`)}`]);
  expect(world.conditions()['Degraded']).toMatchObject({
    reason: 'ApiInvalid',
    message: expect.stringContaining('admission says no'),
  });
});

it("a node that refuses the module is told in modprobe's words and gets no label; once mended all is well", async () => {
  const world = createWorld();
  world.nodes.broken.set(pinned(`kmod-${K1}`), 'Key was rejected by service');
  world.cluster.put(CORE.node, node('n1', K1, SELECTOR));
  world.cluster.put(RESOURCES.module, moduleObject());
  await world.start();
  await world.calm();
  expect(world.conditions()['Degraded']).toMatchObject({
    reason: 'PostStartHookError',
    message: expect.stringContaining('Key was rejected by service'),
  });
  expect(world.cluster.get(CORE.node, 'n1')?.metadata.labels?.[READY]).toBeUndefined();
  world.nodes.broken.clear();
  await world.calm();
  expect(world.conditions()['Ready']).toMatchObject({ status: 'True' });
});

it('repairs the claim when it is edited or deleted, and overflow is removed', async () => {
  const world = await loadedWorld();
  const claim = world.cluster.get(RESOURCES.clusterClaim, CLAIM);
  if (claim) world.cluster.put(RESOURCES.clusterClaim, { ...claim, spec: { value: 'nonsense' } });
  world.cluster.put(RESOURCES.clusterClaim, {
    ...(claim as KubeObject),
    metadata: { name: 'kernel-versions-2.kmm.node.kubernetes.io' },
  });
  await world.calm();
  expect(world.cluster.all(RESOURCES.clusterClaim).map(({ spec }) => spec)).toEqual([{ value: K1 }]);
  world.cluster.remove(RESOURCES.clusterClaim, CLAIM);
  await world.calm();
  expect(world.cluster.get(RESOURCES.clusterClaim, CLAIM)?.['spec']).toEqual({ value: K1 });
});

it('without OCM modules are served all the same; the claim follows when its kind appears', async () => {
  const world = createWorld();
  let installed = false;
  world.cluster.fault = ({ kind }) => {
    if (kind === 'ClusterClaim' && !installed)
      throw new AppError('NOT_FOUND', 'the server could not find the requested resource');
  };
  world.cluster.put(CORE.node, node('n1', K1, SELECTOR));
  world.cluster.put(RESOURCES.module, moduleObject());
  const spoke = await world.start();
  for (let round = 0; round < 60; round += 1) {
    await world.clock.advance(1_000);
    world.nodes.step();
  }
  expect([world.nodes.trace.length, spoke.ready(), spoke.settled()]).toEqual([1, true, false]);
  expect(world.lines.filter((line) => line.startsWith('error watch.failed')).length).toBeGreaterThan(0);
  installed = true;
  await world.calm();
  expect(world.cluster.get(RESOURCES.clusterClaim, CLAIM)?.['spec']).toEqual({ value: K1 });
});

it('a cluster of its own publishes no claim and watches none', async () => {
  const world = createWorld();
  world.cluster.put(CORE.node, node('n1', K1, SELECTOR));
  await world.start(false);
  await world.calm();
  expect(world.cluster.calls.filter(({ kind }) => kind === 'ClusterClaim')).toEqual([]);
});

it('an ordered upgrade moves only the node that the administrator labels', async () => {
  const version = (text: string, image: string) =>
    moduleObject(PLUGIN, { version: text, kernelMappings: [literal(K1, `r.io/${image}@${DIGEST}`)] });
  const label = `kmm.node.kubernetes.io/version-module.${NAMESPACE}.kmod`;
  const world = createWorld();
  for (const name of ['n1', 'n2'])
    world.cluster.put(CORE.node, node(name, K1, { ...SELECTOR, [label]: '1' }));
  world.cluster.put(RESOURCES.module, version('1', 'one'));
  await world.start();
  await world.calm();
  expect(world.nodes.trace).toHaveLength(2);

  edit(world, (object) => ({ ...object, spec: version('2', 'two')['spec'] }));
  await world.calm();
  expect(world.nodes.trace).toHaveLength(2);

  const admit = async (name: string) => {
    const observed = world.cluster.get(CORE.node, name) as KubeObject;
    const labels = { ...observed.metadata.labels, [label]: '2' };
    world.cluster.put(CORE.node, { ...observed, metadata: { ...observed.metadata, labels } });
    await world.calm();
  };
  await admit('n1');
  expect(world.nodes.trace.slice(2)).toEqual([`unload n1 r.io/one@${DIGEST}`, `load n1 r.io/two@${DIGEST}`]);
  await admit('n2');
  expect(world.nodes.trace.slice(4)).toEqual([`unload n2 r.io/one@${DIGEST}`, `load n2 r.io/two@${DIGEST}`]);
  expect(world.cluster.all(CORE.daemonSet)).toHaveLength(2);
});
