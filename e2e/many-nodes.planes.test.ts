import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  KERNEL_CLAIM,
  LABELS,
  type ManagedCluster,
  type Module,
  RESOURCES,
  readyLabel,
} from '@kmm-fleet/api';
import { type Supervised, supervise } from '@kmm-fleet/cli';
import { createMemoryRegistry } from '@kmm-fleet/images/testing';
import {
  makeServerCertificates,
  operatorUser,
  type Plane,
  type RealFleet,
  readAuditLog,
  startRealFleet,
  writeKubeconfig,
} from '@kmm-fleet/lab';
import { CORE, systemClock as clock, listAll, systemRandom as random, silentLog } from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startLightNodes } from './nodes/light-nodes.ts';

/** make nightly has thousands. */
const NODES = Number(process.env['KMM_LIGHT_NODES'] ?? 1_000);
const PATIENCE_MS = 240_000 + 120 * NODES;
const CLUSTER = 'c1';
const NAME = { namespace: 'openshift-kmm', name: 'kmod' };
const KERNELS = ['6.1.0-1-amd64', '6.1.0-2-amd64'] as const;
const SELECTOR = { driver: 'wanted' };

// kube-scheduler and kube-controller-manager at work; nodes are objects that say their pods run.
describe(`a cluster of ${NODES} nodes`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'kmm-many-'));
  let fleet: RealFleet;
  let spoke: Supervised;
  let nodes: { stop(): Promise<void> };
  let plane: Plane;

  beforeAll(async () => {
    const certificates = await makeServerCertificates(directory);
    fleet = await startRealFleet({
      ...{ clock, random, log: silentLog, certificates, directory, progress: () => {} },
      registryTransport: createMemoryRegistry(),
      clusters: [{ name: CLUSTER, nodes: [] }],
    });
    plane = fleet.clusters.get(CLUSTER) as Plane;
    const kubeconfig = join(directory, 'spoke.kubeconfig');
    const { name, url: server } = plane;
    writeKubeconfig(kubeconfig, certificates.ca, [{ name, server, token: plane.token(operatorUser(plane)) }]);
    const env = { KUBECONFIG: kubeconfig, KMM_MANAGED: '1' };
    spoke = supervise('spoke', env, join(directory, 'spoke.log'));
    nodes = await startLightNodes({
      ...{ client: fleet.client(CLUSTER), clock, random, count: NODES, labels: SELECTOR },
      kernelOf: (index) => KERNELS[index % 2] ?? KERNELS[0],
    });
  });
  afterAll(async () => {
    await nodes?.stop();
    await spoke?.stop();
    await fleet?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const requestsOfSpoke = async () =>
    (await Array.fromAsync(readAuditLog(plane.auditLog))).filter(
      ({ userAgent, objectRef }) => userAgent === 'kmm' && objectRef?.resource !== 'leases',
    );

  /** Seldom enough that asking costs little. */
  const until = (seen: () => Promise<boolean>) =>
    vi.waitUntil(seen, { timeout: PATIENCE_MS, interval: 1_000 });
  const untilLabelled = (labelSelector: string) =>
    until(async () => (await listAll(fleet.client(CLUSTER), CORE.node, { labelSelector })).length === NODES);

  it('tells the hub its kernels, in a claim of one line each', async () => {
    await until(async () => {
      const found = await fleet.client('hub').get(RESOURCES.managedCluster, { name: CLUSTER });
      const claims = (found as unknown as ManagedCluster).status?.clusterClaims ?? [];
      return claims.some(({ name, value }) => name === KERNEL_CLAIM && value === KERNELS.join('\n'));
    });
  });

  it('has a loader of its kernel on every node and every node labelled, with one write of the spoke per node', {
    timeout: 2 * PATIENCE_MS,
  }, async () => {
    const cluster = fleet.client(CLUSTER);
    const image = (kernel: string) => `registry.test/kmod-${kernel}@sha256:${'a'.repeat(64)}`;
    await untilLabelled(LABELS.kernelVersion);
    // A request is in the log a moment after its effect is seen.
    const began = new Date().toISOString();
    await cluster.create(RESOURCES.module, {
      apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
      kind: 'Module',
      metadata: NAME,
      spec: {
        selector: SELECTOR,
        moduleLoader: {
          container: {
            modprobe: { moduleName: 'kmod' },
            kernelMappings: KERNELS.map((literal) => ({ literal, containerImage: image(literal) })),
          },
        },
      },
    });
    await until(async () => {
      const found = (await cluster.get(RESOURCES.module, NAME)) as unknown as Module | undefined;
      return found?.status?.moduleLoader?.availableNumber === NODES;
    });
    await untilLabelled(readyLabel(NAME.namespace, NAME.name));

    const pods = await listAll(cluster, CORE.pod, { namespace: NAME.namespace });
    const wrong = pods.filter(({ spec }) => {
      const { nodeName, containers } = spec as { nodeName: string; containers: { image: string }[] };
      const kernel = KERNELS[Number(nodeName.slice('light-'.length)) % 2] ?? '';
      return containers[0]?.image !== image(kernel);
    });
    expect([pods.length, wrong.length]).toEqual([NODES, 0]);
    const onNodes = (await requestsOfSpoke()).filter(
      ({ verb, objectRef, requestReceivedTimestamp }) =>
        verb === 'patch' && objectRef?.resource === 'nodes' && requestReceivedTimestamp > began,
    );
    const perNode = Map.groupBy(onNodes, ({ objectRef }) => objectRef?.name);
    // Whole, as they were asked and answered: what was written twice tells why.
    expect([...perNode.values()].filter(({ length }) => length > 1)).toEqual([]);
    expect(perNode.size).toBe(NODES);
  });
});
