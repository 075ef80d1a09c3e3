import { type Clock, sleep } from './clock.ts';
import { type KubeObject, objectKey } from './kube/object.ts';

const LOOK_MS = 2_000;
const DURATION_SECONDS = 15;
/** A lease that asks for more is waited for no longer. */
const PATIENCE_MS_MAX = 150_000;

interface LeaseSpec {
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number;
}

/** Who holds a lease, dead or alive. */
export const holderOf = (lease: KubeObject): string | undefined => specOf(lease).holderIdentity || undefined;

/**
 * The first of some leases that its holder renews while we look: there somebody works. Times in a lease are never
 * compared with our clock, and one that its holder has left behind holds nobody up for longer than it says.
 *
 * @param read the leases as they are now
 */
export async function renewedLease(
  read: () => Promise<readonly KubeObject[]>,
  clock: Clock,
  signal?: AbortSignal,
): Promise<KubeObject | undefined> {
  const first = (await read()).filter(holderOf);
  const durations = first.map((lease) => specOf(lease).leaseDurationSeconds ?? DURATION_SECONDS);
  const patienceMs = Math.min(Math.max(0, ...durations) * 1_000, PATIENCE_MS_MAX);
  const seen = new Map(first.map(({ metadata }) => [objectKey(metadata), metadata.resourceVersion]));
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += LOOK_MS) {
    await sleep(clock, LOOK_MS, signal);
    const renewed = (await read()).find(
      (lease) => holderOf(lease) && seen.get(objectKey(lease.metadata)) !== lease.metadata.resourceVersion,
    );
    if (renewed) return renewed;
  }
  return undefined;
}

const specOf = (lease: KubeObject) => (lease['spec'] ?? {}) as LeaseSpec;
