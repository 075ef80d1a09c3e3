import { type Clock, CORE, type KubeClient, type Log, sleep } from '@kmm-fleet/runtime';
import type { Running } from '../running.ts';
import { time } from './pod-status.ts';

const LEASES = 'kube-node-lease';
/** As kubelets do: a quarter of the duration. */
const RENEW_MS = 10_000;
const DURATION_SECONDS = 40;

/** Renews the Lease by which a controller manager knows that a node is alive. */
export function startHeartbeat(
  name: string,
  { client, clock, log }: { readonly client: KubeClient; readonly clock: Clock; readonly log: Log },
): Running {
  const life = new AbortController();
  const beat = async () => {
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace: LEASES },
      spec: {
        holderIdentity: name,
        leaseDurationSeconds: DURATION_SECONDS,
        renewTime: time(clock.now()).replace('Z', '.000000Z'),
      },
    };
    await client.apply(CORE.lease, lease, { fieldManager: 'kubelet', force: true }, life.signal);
  };
  const work = async () => {
    while (!life.signal.aborted) {
      await beat().catch((error: unknown) => {
        if (!life.signal.aborted) log.error('heartbeat.failed', { node: name, err: error });
      });
      await sleep(clock, RENEW_MS, life.signal).catch(() => {});
    }
  };
  const done = work();
  return {
    done,
    async stop() {
      life.abort();
      await done;
    },
    settled: () => true,
  };
}
