import { OPERATOR, RESOURCES } from '@kmm-fleet/api';
import { createHub, type Hub } from '@kmm-fleet/hub';
import { createRegistry } from '@kmm-fleet/images';
import {
  createFakeBuilder,
  createMemoryRegistry,
  type MemoryRegistry,
  pushImage,
} from '@kmm-fleet/images/testing';
import { type ApiServer, createFleet } from '@kmm-fleet/lab';
import {
  createEvents,
  createKubeClient,
  createManualClock,
  createRandom,
  type KubeClient,
  type KubeObject,
  type ManualClock,
  silentLog,
} from '@kmm-fleet/runtime';

export interface HubOnly {
  readonly clock: ManualClock;
  readonly server: ApiServer;
  readonly hub: Hub;
  readonly user: KubeClient;
  /** Every request to the registry is written down. */
  readonly registry: MemoryRegistry;
  /** Targets that were built, in order. */
  readonly built: readonly string[];
  /** Requests of the hub so far, watches and first lists left out. */
  requests(): number;
  stop(): Promise<void>;
}

const IMAGE = 'registry.test/kmod:1';

/** A hub with so many clusters, which share the kernels evenly, on an API server in this process. */
export async function hubWithClusters(count: number, kernels = ['6.1.0-1-amd64']): Promise<HubOnly> {
  // Later than the certificates of the tests were made.
  const clock = createManualClock(Date.UTC(2027, 0, 1));
  const random = createRandom(1);
  const log = silentLog;
  const transport = createMemoryRegistry();
  const registry = createRegistry({ transport, clock, random });
  await pushImage(registry, IMAGE, {}, { '/a': 'x' });
  const clusters = Array.from({ length: count }, (_, index) => ({
    name: `c${index}`,
    labels: { site: 'edge' },
    nodes: [],
  }));
  const { hub: server } = createFleet({ clock, random, log, registryTransport: transport, clusters });
  const client = (userAgent: string) =>
    createKubeClient({ transport: server.transport, clock, random, userAgent });
  const user = client('user');
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
  const own = client('kmm-hub');
  const events = createEvents({ client: own, clock, component: 'kmm-hub', log });
  const builder = createFakeBuilder(registry);
  const hub = createHub({
    client: own,
    clock,
    random,
    log,
    events,
    registry,
    builder,
    operatorNamespace: OPERATOR.hubNamespace,
  });
  const life = new AbortController();
  const running = hub.run(life.signal);
  await clock.advance(1_000);
  const writes = () =>
    [...server.requests]
      .filter(([key]) => /^kmm-hub (POST|PUT|PATCH|DELETE)$/.test(key))
      .reduce((sum, [, n]) => sum + n, 0);
  return {
    clock,
    server,
    hub,
    user,
    registry: transport,
    built: builder.built,
    requests: writes,
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
