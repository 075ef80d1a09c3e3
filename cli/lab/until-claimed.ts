import { kernelsFromClaims, type ManagedCluster, RESOURCES } from '@kmm-fleet/api';
import { systemClock as clock, type KubeClient, listAll, sleep } from '@kmm-fleet/runtime';

const POLL_MS = 50;
const CLAIM_MS_MAX = 60_000;

/**
 * Waits until the kernels of every cluster have come to the hub: before that, `kmm plan` could only say that they are
 * missing.
 *
 * @throws {Error} that names the clusters whose claim did not come within a minute
 */
export async function untilClaimed(hub: KubeClient, signal: AbortSignal): Promise<void> {
  let silent: string[] = [];
  for (let waited = 0; waited < CLAIM_MS_MAX && !signal.aborted; waited += POLL_MS) {
    const clusters = await listAll<ManagedCluster>(hub, RESOURCES.managedCluster);
    silent = clusters
      .filter(({ status }) => !kernelsFromClaims(status?.clusterClaims).ok)
      .map(({ metadata }) => metadata.name);
    if (silent.length === 0) return;
    await sleep(clock, POLL_MS);
  }
  if (!signal.aborted)
    throw new Error(`No kernels came from ${silent.join(', ')} in ${CLAIM_MS_MAX / 1_000} s.`);
}
