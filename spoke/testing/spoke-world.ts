import { type ModuleSpec, RESOURCES } from '@kmm-fleet/api';
import { CORE, createManualClock, createRandom, type KubeObject, type LogFields } from '@kmm-fleet/runtime';
import { createSpoke } from '../start-spoke.ts';
import { K1, moduleObject, NAMESPACE, SELECTOR } from './fixtures.ts';
import { createMemoryCluster } from './memory-cluster.ts';
import { createMemoryNodes, node } from './memory-nodes.ts';

const KEY = `${NAMESPACE}/kmod`;
export const PLUGIN = { devicePlugin: { container: { image: 'r.io/plugin' } } };
const WRITES = ['apply', 'patch', 'delete', 'create'];

let stop: (() => Promise<void>) | undefined;

/** Ends the spoke of the last world, if one runs. */
export async function stopSpoke(): Promise<void> {
  await stop?.();
  stop = undefined;
}

/** A spoke on a cluster in memory, with nodes that do what a DaemonSet controller and kubelets would. */
export function createWorld(seed = 1) {
  const clock = createManualClock();
  const cluster = createMemoryCluster();
  const nodes = createMemoryNodes(cluster);
  const lines: string[] = [];
  const keep = (level: string) => (event: string, fields?: LogFields) =>
    void lines.push(`${level} ${event}${fields?.err instanceof Error ? ` ${fields.err.message}` : ''}`);
  const log = { debug: () => {}, info: keep('info'), error: keep('error') };
  const events: string[] = [];
  const recorder = {
    record: (_: KubeObject, { reason, message }: { reason: string; message: string }) =>
      void events.push(`${reason} ${message}`),
    flush: async () => {},
  };
  const start = async (isManaged = true) => {
    await stopSpoke();
    const abort = new AbortController();
    const random = createRandom(seed);
    const ports = {
      client: cluster.client,
      clock,
      random,
      log,
      events: recorder,
      operatorNamespace: NAMESPACE,
      isManaged,
    };
    const spoke = createSpoke(ports);
    const running = spoke.run(abort.signal);
    stop = async () => {
      abort.abort();
      await running;
    };
    return spoke;
  };
  /** Until neither the spoke nor the nodes have anything to do. */
  const calm = async () => {
    for (let quiet = 0, rounds = 0; quiet < 3; rounds += 1) {
      if (rounds > 500) throw new Error(`no end: ${lines.slice(-5).join(' | ')}`);
      const before = cluster.calls.length;
      await clock.advance(rounds < 200 ? 200 : 60_000);
      quiet = nodes.step() || cluster.calls.length !== before ? 0 : quiet + 1;
    }
    // What is to be tried again later gets its turn.
    await clock.advance(120_000);
  };
  const module = () => cluster.get(RESOURCES.module, KEY);
  const conditions = () =>
    Object.fromEntries(
      (
        (
          module()?.['status'] as {
            conditions?: { type: string; status: string; reason: string; message: string }[];
          }
        )?.conditions ?? []
      ).map((condition) => [condition.type, condition]),
    );
  return {
    clock,
    cluster,
    nodes,
    lines,
    events,
    start,
    calm,
    module,
    conditions,
    writes: () => cluster.calls.filter(({ verb }) => WRITES.includes(verb)),
  };
}
export type World = ReturnType<typeof createWorld>;

export const setKernel = ({ cluster }: World, name: string, kernel: string) => {
  const observed = cluster.get(CORE.node, name);
  if (observed) cluster.put(CORE.node, { ...observed, status: { nodeInfo: { kernelVersion: kernel } } });
};
export const setTaints = ({ cluster }: World, name: string, taints: readonly object[]) => {
  const observed = cluster.get(CORE.node, name);
  if (observed) cluster.put(CORE.node, { ...observed, spec: { taints } });
};
/** As a cluster treats a node of which it has heard nothing for a while. */
export const cutOff = (world: World, name: string) => {
  world.nodes.silent.add(name);
  const key = 'node.kubernetes.io/unreachable';
  setTaints(
    world,
    name,
    ['NoSchedule', 'NoExecute'].map((effect) => ({ key, effect })),
  );
};
export const edit = ({ cluster, module }: World, change: (object: KubeObject) => KubeObject) => {
  const observed = module();
  if (observed) cluster.put(RESOURCES.module, change(observed));
};
export const deleted = (object: KubeObject): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
});

export async function loadedWorld(seed = 1, spec: Partial<ModuleSpec> = PLUGIN): Promise<World> {
  const world = createWorld(seed);
  world.cluster.put(CORE.node, node('n1', K1, SELECTOR));
  world.cluster.put(CORE.node, node('n2', K1, SELECTOR));
  world.cluster.put(RESOURCES.module, moduleObject(spec));
  await world.start();
  await world.calm();
  return world;
}
