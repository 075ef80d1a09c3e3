import { LABELS, RESOURCES } from '@kmm-fleet/api';
import { CORE, createCache, createManualClock, createRandom, silentLog } from '@kmm-fleet/runtime';
import { expect, it } from 'vitest';
import { moduleObject } from '../testing/fixtures.ts';
import { createMemoryCluster } from '../testing/memory-cluster.ts';
import { type ModuleView, moduleView } from '../views.ts';
import { byNamespace, createNamespaceMarks } from './mark-namespaces.ts';

const namespace = (name: string, labels: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});
const moduleIn = (space: string, name = 'kmod') => ({
  ...moduleObject(),
  metadata: { name, namespace: space },
});

async function world() {
  const [clock, cluster, stop] = [createManualClock(), createMemoryCluster(), new AbortController()];
  const ports = { client: cluster.client, clock, random: createRandom(1), log: silentLog };
  const modules = createCache<ModuleView>({
    ...ports,
    type: RESOURCES.module,
    transform: moduleView,
    indexes: { namespace: byNamespace },
  });
  const marks = createNamespaceMarks(ports, modules);
  const running = Promise.all([modules.run(stop.signal), marks.run(stop.signal)]);
  const isMarked = async (name: string) => {
    await clock.advance(1_000);
    return LABELS.containsModules in (cluster.get(CORE.namespace, name)?.metadata.labels ?? {});
  };
  const end = async () => {
    stop.abort();
    await running;
  };
  return { cluster, marks, isMarked, end };
}

it('a namespace bears the label from its first Module to its last, and keeps its own labels', async () => {
  const { cluster, marks, isMarked, end } = await world();
  cluster.put(CORE.namespace, namespace('drivers', { team: 'a' }));
  expect(await isMarked('drivers')).toBe(false);

  cluster.put(RESOURCES.module, moduleIn('drivers'));
  cluster.put(RESOURCES.module, moduleIn('drivers', 'other'));
  expect(await isMarked('drivers')).toBe(true);
  cluster.remove(RESOURCES.module, 'drivers/kmod');
  expect(await isMarked('drivers')).toBe(true);

  cluster.remove(RESOURCES.module, 'drivers/other');
  expect(await isMarked('drivers')).toBe(false);
  expect(cluster.get(CORE.namespace, 'drivers')?.metadata.labels).toEqual({ team: 'a' });
  expect(marks.settled()).toBe(true);
  await end();
});

it('writes once per change, and puts back a label that somebody took away', async () => {
  const { cluster, isMarked, end } = await world();
  cluster.put(CORE.namespace, namespace('drivers'));
  cluster.put(RESOURCES.module, moduleIn('drivers'));
  expect(await isMarked('drivers')).toBe(true);

  cluster.put(RESOURCES.module, { ...moduleIn('drivers'), status: { observedGeneration: 1 } });
  await isMarked('drivers');
  expect(cluster.calls.filter(({ verb }) => verb === 'patch')).toHaveLength(1);

  cluster.put(CORE.namespace, namespace('drivers'));
  expect(await isMarked('drivers')).toBe(true);
  await end();
});

it('takes away what was left from a time when it did not run, and minds no namespace that is gone', async () => {
  const { cluster, marks, isMarked, end } = await world();
  cluster.put(CORE.namespace, namespace('left', { [LABELS.containsModules]: '' }));
  cluster.put(RESOURCES.module, moduleIn('gone'));

  expect(await isMarked('left')).toBe(false);
  expect(marks.settled()).toBe(true);
  await end();
});
