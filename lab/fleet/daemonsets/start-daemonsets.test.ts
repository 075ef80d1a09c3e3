import { OPERATOR } from '@kmm-fleet/api';
import { CORE, type KubeObject } from '@kmm-fleet/runtime';
import { afterEach, expect, it } from 'vitest';
import { KERNEL, loaderDaemonSet, MODULE_A, MODULE_B, moduleFiles } from '../testing/loader.ts';
import { pullSecret, type Simulation, simulateFleet } from '../testing/simulation.ts';

const { namespace } = OPERATOR;
const labels = { wanted: 'true' };

let simulation: Simulation | undefined;
afterEach(async () => {
  await simulation?.stop();
  simulation = undefined;
});

async function startLoaders(names: readonly string[]) {
  const nodes = names.map((name) => ({ name, kernel: KERNEL, labels }));
  const made = simulateFleet([{ name: 'c1', nodes }]);
  simulation = made;
  const client = made.spoke();
  await client.create(CORE.secret, pullSecret());
  const image = await made.push('kmod', moduleFiles([MODULE_A, MODULE_B]));
  await client.create(CORE.daemonSet, loaderDaemonSet({ image, nodeSelector: labels }));
  const status = async () =>
    ((await client.get(CORE.daemonSet, { namespace, name: 'loader' }))?.['status'] ?? {}) as Record<
      string,
      number
    >;
  const pods = async () => {
    const items: KubeObject[] = [];
    for await (const page of client.list(CORE.pod, { namespace })) items.push(...page.items);
    return new Map(items.map((pod) => [(pod['spec'] as { nodeName?: string }).nodeName, pod.metadata.name]));
  };
  const readyOn = (count: number) =>
    made.until(`${count} ready nodes`, async () => {
      const now = await status();
      return now['numberReady'] === count && now['desiredNumberScheduled'] === count;
    });
  return { ...made, client, image, status, pods, readyOn };
}

it('runs a pod on each node, and follows labels that come and go', async () => {
  const { readyOn, client, pods, node } = await startLoaders(['a', 'b']);
  await readyOn(2);
  const before = await pods();
  await client.mergePatch(CORE.node, { name: 'a' }, { metadata: { labels: { wanted: null } } }, {});
  await readyOn(1);
  expect(node('a').modules()).toEqual([]);
  expect((await pods()).get('b')).toBe(before.get('b'));
  await client.mergePatch(CORE.node, { name: 'a' }, { metadata: { labels } }, {});
  await readyOn(2);
});

it('rolls a new image out node by node: one is away at most', async () => {
  const { readyOn, client, push, status, clock } = await startLoaders(['a', 'b', 'c']);
  await readyOn(3);
  const image = await push('kmod', { ...moduleFiles([MODULE_A, MODULE_B]), '/changed': 'yes' });
  const load = 'sleep 2; modprobe -d /opt kmm_b';
  await client.apply(CORE.daemonSet, loaderDaemonSet({ image, load, nodeSelector: labels }), {
    fieldManager: 'user',
    force: true,
  });
  const seen: number[] = [];
  for (let step = 0; step < 300; step++) {
    await clock.advance(100);
    const { numberReady = 0, updatedNumberScheduled = 0, observedGeneration } = await status();
    seen.push(numberReady);
    if (updatedNumberScheduled === 3 && numberReady === 3 && observedGeneration === 2) break;
  }
  expect(Math.min(...seen)).toBe(2);
  expect(await status()).toMatchObject({ updatedNumberScheduled: 3, numberReady: 3, observedGeneration: 2 });
});

it('stops at the first node when the new image does not load', async () => {
  const { readyOn, client, push, status, clock, node } = await startLoaders(['a', 'b', 'c']);
  await readyOn(3);
  const image = await push('kmod', moduleFiles([MODULE_A]));
  await client.apply(CORE.daemonSet, loaderDaemonSet({ image, nodeSelector: labels }), {
    fieldManager: 'user',
    force: true,
  });
  await clock.advance(600_000);
  expect(await status()).toMatchObject({ numberReady: 2, updatedNumberScheduled: 1, numberUnavailable: 1 });
  const loaded = ['a', 'b', 'c'].map((name) => node(name).modules().length);
  expect(loaded.filter((count) => count === 2)).toHaveLength(2);
});

it('leaves a cordoned node alone, and ends pods of a node that is gone', async () => {
  const { readyOn, client, node, pods, until } = await startLoaders(['a', 'b']);
  await readyOn(2);
  const before = await pods();
  await node('a').cordon();
  await simulation?.clock.advance(60_000);
  expect(await pods()).toEqual(before);
  expect((await client.get(CORE.node, { name: 'a' }))?.['spec']).toMatchObject({ unschedulable: true });
  await node('a').uncordon();
  await client.create(CORE.pod, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'lost', namespace },
    spec: { nodeName: 'gone', containers: [{ name: 'c', image: 'none' }] },
  });
  await until(
    'the end of the lost pod',
    async () => !(await client.get(CORE.pod, { namespace, name: 'lost' })),
  );
});

it('makes each pod once though every answer gets lost', async () => {
  const nodes = ['a', 'b'].map((name) => ({ name, kernel: KERNEL, labels }));
  const made = simulateFleet([{ name: 'c1', nodes }]);
  simulation = made;
  const client = made.spoke();
  await client.create(CORE.secret, pullSecret());
  const image = await made.push('kmod', moduleFiles([MODULE_A, MODULE_B]));
  let lost = 0;
  made.server().setFault(({ method, path, headers }) => {
    const isPod = method === 'POST' && path.endsWith('/pods');
    return isPod && headers['user-agent']?.startsWith('kube-controller') && lost++ < 1
      ? 'drop-after'
      : undefined;
  });
  await client.create(CORE.daemonSet, loaderDaemonSet({ image, nodeSelector: labels }));
  await made.clock.advance(120_000);
  const items: KubeObject[] = [];
  for await (const page of client.list(CORE.pod, { namespace })) items.push(...page.items);
  expect(lost).toBeGreaterThan(1);
  expect(items).toHaveLength(2);
});
