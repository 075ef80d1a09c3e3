import { OPERATOR, RESOURCES } from '@kmm-fleet/api';
import { createHub, type Hub } from '@kmm-fleet/hub';
import { createRegistry } from '@kmm-fleet/images';
import {
  createFakeBuilder,
  createMemoryRegistry,
  type MemoryRegistry,
  pushImage,
} from '@kmm-fleet/images/testing';
import { createApiServer, ocmStandIns } from '@kmm-fleet/lab';
import { editions, groundObjects } from '@kmm-fleet/policies';
import {
  type Clock,
  createEvents,
  createKubeClient,
  createManualClock,
  createMetrics,
  createRandom,
  type KubeClient,
  type KubeObject,
  type ManualClock,
  silentLog,
  type Transport,
} from '@kmm-fleet/runtime';
import { passesOf } from '@kmm-fleet/runtime/testing';

export interface HubOnly {
  readonly clock: ManualClock;
  readonly hub: Hub;
  readonly user: KubeClient;
  /** Every request to the registry is written down. */
  readonly registry: MemoryRegistry;
  /** Targets that were built, in order. */
  readonly built: readonly string[];
  /** Requests of the hub so far, reads and writes; a watch that is opened again is none. */
  requests(): number;
  /** How often works were planned so far, each for one cluster. */
  plans(): Promise<number>;
  stop(): Promise<void>;
}

const IMAGE = 'registry.test/kmod:1';

/**
 * A hub with so many clusters, which share the kernels evenly, on an API server in this process.
 *
 * @param wrap what stands between the hub and its API server
 */
export async function hubWithClusters(
  count: number,
  kernels = ['6.1.0-1-amd64'],
  wrap = (inner: Transport, _clock: Clock) => inner,
): Promise<HubOnly> {
  // Later than the certificates of the tests were made.
  const clock = createManualClock(Date.UTC(2027, 0, 1));
  const random = createRandom(1);
  const transport = createMemoryRegistry();
  const registry = createRegistry({ transport, clock, random });
  await pushImage(registry, IMAGE, {}, { '/a': 'x' });
  const clusters = Array.from({ length: count }, (_, index) => ({
    name: `c${index}`,
    labels: { site: 'edge' },
    nodes: [],
  }));
  const objects = [...ocmStandIns(clusters), ...groundObjects(editions.hub)];
  const server = createApiServer({ clock, random, name: 'hub', objects });
  const ports = { clock, random, log: silentLog };
  const user = createKubeClient({ ...ports, transport: server.transport, userAgent: 'user' });
  for (const [index, { name }] of clusters.entries()) {
    const value = kernels[index % kernels.length];
    const clusterClaims = [{ name: 'kernel-versions.kmm.node.kubernetes.io', value }];
    await user.mergePatch(
      RESOURCES.managedCluster,
      { name },
      { status: { clusterClaims } },
      { subresource: 'status' },
    );
  }
  const client = createKubeClient({
    ...ports,
    transport: wrap(server.transport, clock),
    userAgent: 'kmm-hub',
  });
  const builder = createFakeBuilder(registry);
  const metrics = createMetrics();
  const hub = createHub({
    ...ports,
    client,
    events: createEvents({ ...ports, client, component: 'kmm-hub' }),
    metrics,
    registry,
    builder,
    operatorNamespace: OPERATOR.hubNamespace,
  });
  const life = new AbortController();
  const running = hub.run(life.signal);
  await clock.advance(1_000);
  const requests = () =>
    [...server.requests]
      .filter(([key]) => key.startsWith('kmm-hub ') && !key.endsWith(' WATCH'))
      .reduce((sum, [, n]) => sum + n, 0);
  return {
    clock,
    hub,
    user,
    registry: transport,
    built: builder.built,
    requests,
    plans: () => passesOf(metrics, 'works'),
    async stop() {
      life.abort();
      await clock.advance(1_000);
      await running;
    },
  };
}

/** A module for all of them; `container` in place of an image that is there already. */
export function module(
  container: object = { kernelMappings: [{ regexp: '^.+$', containerImage: IMAGE }] },
): KubeObject {
  return {
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ManagedClusterModule',
    metadata: { name: 'kmod' },
    spec: {
      spokeNamespace: 'openshift-kmm',
      selector: { site: 'edge' },
      moduleSpec: {
        selector: {},
        moduleLoader: {
          container: { modprobe: { moduleName: 'kmod' }, ...container },
        },
      },
    },
  };
}

/** Runs the clock until the module has a work on every cluster. */
export async function untilWorks(world: HubOnly, count: number): Promise<void> {
  for (let step = 0; step < 600; step++) {
    let works = 0;
    for await (const page of world.user.list(RESOURCES.manifestWork)) works += page.items.length;
    if (works === count && world.hub.settled()) return;
    await world.clock.advance(100);
  }
  throw new Error(`not all of ${count} works exist`);
}

/** One cluster reports that its work is applied: what the hub then does is one event's cost. */
export async function reportApplied(
  world: HubOnly,
  cluster: string,
  generation: number,
  pauseMs = 1_000,
): Promise<void> {
  const condition = {
    type: 'Applied',
    status: 'True',
    reason: 'AppliedManifestWorkComplete',
    message: `run ${generation}`,
    observedGeneration: 1,
    lastTransitionTime: '2026-01-01T00:00:00Z',
  };
  const name = { namespace: cluster, name: 'kmod' };
  await world.user.mergePatch(
    RESOURCES.manifestWork,
    name,
    { status: { conditions: [condition] } },
    { subresource: 'status' },
  );
  await world.clock.advance(pauseMs);
}
