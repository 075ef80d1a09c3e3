import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMemoryRegistry } from '@kmm-fleet/images/testing';
import { makeServerCertificates, startRealFleet } from '@kmm-fleet/lab';
import { CORE, systemClock as clock, systemRandom as random, silentLog } from '@kmm-fleet/runtime';
import { describeWorkAgent } from './work-agent.contract.ts';

describeWorkAgent("OCM's work agent", async () => {
  const directory = mkdtempSync(join(tmpdir(), 'kmm-works-'));
  const cluster = 'c1';
  const fleet = await startRealFleet({
    clock,
    random,
    log: silentLog,
    registryTransport: createMemoryRegistry(),
    clusters: [{ name: cluster, nodes: [] }],
    certificates: await makeServerCertificates(directory),
    directory,
    progress: () => {},
  });
  const spoke = fleet.client(cluster);
  // The contract applies ConfigMaps; KMM's own right is on Modules alone.
  await spoke.create(CORE.clusterRoleBinding, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'work-agent-is-admin' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [
      { kind: 'ServiceAccount', name: 'klusterlet-work-sa', namespace: 'open-cluster-management-agent' },
    ],
  });
  return {
    cluster,
    hub: fleet.client('hub'),
    spoke,
    pass: (ms) => sleep(ms),
    async stop() {
      await fleet.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
});
