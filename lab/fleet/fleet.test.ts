import { OPERATOR } from '@kmm-fleet/api';
import { CORE } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import type { Fault } from '../api-server/index.ts';
import { KERNEL, loaderDaemonSet, MODULE_A, MODULE_B, moduleFiles } from './testing/loader.ts';
import { pullSecret, type Simulation, simulateFleet } from './testing/simulation.ts';
import { configMap } from './testing/works.ts';

const nodes = ['n1', 'n2'].map((name) => ({ name, kernel: KERNEL }));

/** A work that brings a loader to two nodes, and is taken back. */
async function bringAndTake(made: Simulation): Promise<void> {
  const type = { group: 'work.open-cluster-management.io', version: 'v1', plural: 'manifestworks' };
  const works = { ...type, kind: 'ManifestWork', namespaced: true };
  await made.spoke().create(CORE.secret, pullSecret());
  const image = await made.push('kmod', moduleFiles([MODULE_A, MODULE_B]));
  await made.hub.create(works, {
    apiVersion: 'work.open-cluster-management.io/v1',
    kind: 'ManifestWork',
    metadata: { name: 'one', namespace: 'c1' },
    spec: { workload: { manifests: [loaderDaemonSet({ image }), configMap('a')] } },
  });
  const loaded = () => nodes.map(({ name }) => made.node(name).modules().length);
  await made.until('modules on both nodes', () => loaded().every((count) => count === 2));
  await made.hub.delete(works, { namespace: 'c1', name: 'one' });
  await made.until(
    'the end of the work',
    async () => !(await made.hub.get(works, { namespace: 'c1', name: 'one' })),
  );
  await made.until('empty nodes', () => loaded().every((count) => count === 0));
}

async function writesOf(seed: number): Promise<string[]> {
  const made = simulateFleet([{ name: 'c1', nodes }], seed);
  const writes: string[] = [];
  for (const server of [made.fleet.hub, made.server()])
    server.onWrite(({ method, path, userAgent, body }) =>
      writes.push(`${made.clock.now()} ${userAgent} ${method} ${path} ${JSON.stringify(body)}`),
    );
  await bringAndTake(made);
  await made.stop();
  return writes;
}

it('writes the same bytes at the same times when it is given the same seed', async () => {
  const first = await writesOf(7);
  expect(first.length).toBeGreaterThan(30);
  expect(await writesOf(7)).toEqual(first);
  expect(await writesOf(8)).not.toEqual(first);
});

it('has what its clusters need before anybody does anything', async () => {
  const made = simulateFleet([{ name: 'c1', labels: { site: 'east' }, nodes }]);
  await made.clock.advance(1_000);
  expect(await made.hub.get(CORE.namespace, { name: OPERATOR.hubNamespace })).toBeDefined();
  expect(await made.hub.get(CORE.namespace, { name: 'c1' })).toBeDefined();
  expect(await made.spoke().get(CORE.namespace, { name: OPERATOR.namespace })).toBeDefined();
  expect((await made.spoke().get(CORE.node, { name: 'n1' }))?.['status']).toMatchObject({
    nodeInfo: { kernelVersion: KERNEL, bootID: made.node('n1').bootId },
  });
  expect(made.fleet.settled()).toBe(true);
  await made.stop();
});

it('gets there on servers that fail, forget and hang up', async () => {
  const made = simulateFleet([{ name: 'c1', nodes }]);
  const faults: Fault[] = [];
  for (const [index, server] of [made.fleet.hub, made.server()].entries()) {
    let count = index;
    server.setFault(({ headers }) => {
      if (headers['user-agent'] === 'user') return undefined;
      count += 1;
      if (count % 17 === 0) server.closeWatches();
      if (count % 29 === 0) server.compact();
      const fault = faultOf(count);
      if (fault) faults.push(fault);
      return fault;
    });
  }
  await bringAndTake(made);
  await made.stop();
  expect(faults.length).toBeGreaterThan(20);
  expect(new Set(faults.map((fault) => JSON.stringify(fault))).size).toBe(4);
});

function faultOf(count: number): Fault {
  if (count % 7 === 0) return { status: 500 };
  if (count % 11 === 0) return 'drop-after';
  if (count % 13 === 0) return { status: 429, retryAfterSeconds: 1 };
  return count % 19 === 0 ? 'drop-before' : undefined;
}
