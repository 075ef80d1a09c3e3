import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isTrue, type ManagedClusterModule, RESOURCES } from '@kmm-fleet/api';
import { type Supervised, supervise } from '@kmm-fleet/cli';
import {
  LOCAL_CLUSTER,
  makeServerCertificates,
  operatorUser,
  type Plane,
  type RealFleet,
  startRealFleet,
  until,
  writeKubeconfig,
} from '@kmm-fleet/lab';
import { CORE, systemClock as clock, systemRandom as random, silentLog } from '@kmm-fleet/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DriverRegistry, startDriverRegistry } from './story/driver-registry.ts';
import { MODULES_ANNOTATION } from './story/world.ts';

const KERNEL = '6.1.0-55-amd64';
const MCM = 'my-mcm';

describe('a hub that manages itself', () => {
  const directory = mkdtempSync(join(tmpdir(), 'kmm-local-'));
  const stop = new AbortController();
  let registry: DriverRegistry;
  let fleet: RealFleet;
  let neighbours: Promise<void>;
  let operators: Supervised[] = [];

  beforeAll(async () => {
    const certificates = await makeServerCertificates(directory);
    registry = await startDriverRegistry(directory, certificates, KERNEL);
    const nodes = [{ name: 'n1', kernel: KERNEL, labels: { driver: 'wanted' } }];
    fleet = await startRealFleet({
      clock,
      random,
      log: silentLog,
      registryTransport: registry.transport,
      clusters: [{ name: LOCAL_CLUSTER, nodes }],
      certificates,
      directory,
      progress: () => {},
    });
    neighbours = fleet.run(stop.signal);
    for (const namespace of ['openshift-kmm-hub', 'openshift-kmm'])
      await fleet.client('hub').create(CORE.secret, registry.pullSecret(namespace));
    const local = fleet.clusters.get(LOCAL_CLUSTER) as Plane;
    operators = [fleet.hub, local].map((plane) => {
      const { name, url: server } = plane;
      const path = join(directory, `${name}-operator.kubeconfig`);
      writeKubeconfig(path, certificates.ca, [{ name, server, token: plane.token(operatorUser(plane)) }]);
      const room = name === 'hub' ? 'hub' : 'spoke';
      const env = { KUBECONFIG: path, KMM_REGISTRY_CA_FILE: certificates.ca, KMM_MANAGED: '1' };
      const own = { ...env, KMM_BUILD_DIR: join(directory, 'builds') };
      return supervise(room, own, join(directory, `${name}-operator.log`));
    });
  });
  afterAll(async () => {
    await Promise.all(operators.map((operator) => operator.stop()));
    stop.abort();
    await neighbours;
    await fleet?.stop();
    await registry?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('learns its own kernel, ships itself a work, loads the module, and lets it go', async () => {
    const hub = fleet.client('hub');
    const labels = { driver: 'wanted' };
    await hub.mergePatch(RESOURCES.managedCluster, { name: LOCAL_CLUSTER }, { metadata: { labels } }, {});
    await hub.create(RESOURCES.managedClusterModule, registry.managedClusterModule(MCM, labels, labels));
    const modules = async () =>
      (await hub.get(CORE.node, { name: 'n1' }))?.metadata.annotations?.[MODULES_ANNOTATION];

    await until('the module in the kernel', async () => (await modules()) === 'kmod');
    await until('the module is ready', async () => {
      const mcm = await hub.get(RESOURCES.managedClusterModule, { name: MCM });
      return isTrue((mcm as unknown as ManagedClusterModule)?.status?.conditions, 'Ready');
    });
    expect(await hub.get(RESOURCES.manifestWork, { namespace: LOCAL_CLUSTER, name: MCM })).toBeDefined();
    await hub.delete(RESOURCES.managedClusterModule, { name: MCM }, {});
    await until('nothing in the kernel', async () => !(await modules()));
    await until(
      'no work',
      async () => !(await hub.get(RESOURCES.manifestWork, { namespace: LOCAL_CLUSTER, name: MCM })),
    );
  });
});
