import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryRegistry } from '@kmm-fleet/images/testing';
import { makeServerCertificates, type Plane, startRealFleet } from '@kmm-fleet/lab';
import { systemClock as clock, systemRandom as random, silentLog } from '@kmm-fleet/runtime';
import type { Figure } from '../measure.ts';
import { claimLatency } from './claim.ts';
import { CLUSTER, feedbackLatency } from './feedback.ts';

/** How soon news of one cluster are where they are wanted, and how quiet it is without any, on real control planes with OCM's own agents. */
export async function latencies(progress: (line: string) => void): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'kmm-bench-'));
  const fleet = await startRealFleet({
    ...{ clock, random, directory, progress, log: silentLog },
    registryTransport: createMemoryRegistry(),
    clusters: [{ name: CLUSTER, nodes: [] }],
    certificates: await makeServerCertificates(directory),
  });
  try {
    const client = fleet.client(CLUSTER);
    const claim = await claimLatency(fleet.clusters.get(CLUSTER) as Plane, client, directory);
    return [...claim, await feedbackLatency(fleet.client('hub'), client)];
  } finally {
    await fleet.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
