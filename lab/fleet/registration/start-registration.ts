import { type ManagedCluster, RESOURCES } from '@kmm-fleet/api';
import {
  type Clock,
  createCache,
  createEvents,
  createQueue,
  type KubeClient,
  type Log,
  type Random,
} from '@kmm-fleet/runtime';
import { type Running, startController } from '../running.ts';
import { clusterStatus } from './cluster-status.ts';
import { planClaims } from './plan-claims.ts';

export interface RegistrationPorts {
  readonly cluster: string;
  readonly hub: KubeClient;
  readonly spoke: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly reservedSuffixes?: readonly string[];
}

const KUBERNETES_VERSION = 'v1.35.4';

/**
 * Registration in small: claims of a cluster and its conditions on the hub, at once when they change. Leases are not
 * renewed, so a cluster that is cut off stays Available; certificates and approval are taken for done.
 */
export function startRegistration(ports: RegistrationPorts): Running {
  const { cluster, hub, spoke, clock, random, log } = ports;
  const common = { clock, random, log };
  const claims = createCache({ client: spoke, type: RESOURCES.clusterClaim, ...common });
  const clusters = createCache({
    client: hub,
    type: RESOURCES.managedCluster,
    fieldSelector: `metadata.name=${cluster}`,
    ...common,
  });
  const events = createEvents({ client: spoke, clock, component: 'registration-agent', log });
  let told = '';

  const reconcile = async (_key: string, signal: AbortSignal) => {
    const object = clusters.get(cluster);
    if (!object || object.metadata.deletionTimestamp) return undefined;
    const known = [...claims.all()];
    const plan = planClaims(known, ports.reservedSuffixes);
    const view = object as unknown as ManagedCluster;
    const now = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
    const status = clusterStatus(view, plan.claims, KUBERNETES_VERSION, now);
    if (status !== view.status) {
      await hub.mergePatch(
        RESOURCES.managedCluster,
        { name: cluster },
        { status },
        { subresource: 'status' },
        signal,
      );
    }
    const truncated = plan.truncated.join(', ');
    const [first] = known;
    if (truncated !== told && truncated !== '' && first) {
      const message = `Custom cluster claims are truncated, these are not reported: ${truncated}`;
      events.record(first, { type: 'Warning', reason: 'CustomClusterClaimsTruncated', message });
    }
    told = truncated;
    return undefined;
  };

  const queue = createQueue({ name: `registration-${cluster}`, reconcile, ...common });
  claims.onChange(() => queue.add(cluster));
  clusters.onChange(() => queue.add(cluster));
  return startController([claims, clusters], [queue]);
}
