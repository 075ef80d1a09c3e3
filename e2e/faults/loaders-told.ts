import { readAuditLog } from '@kmm-fleet/lab';
import type { AuditedRequest } from '@kmm-fleet/policies';
import type { FaultFleet } from './fault-fleet.ts';
import type { Cluster } from './plan-strikes.ts';

/** A loader of the round before may end late. */
const BEFORE_MS = 10_000;
const LINES_MAX = 40;
const CLUSTERS: readonly Cluster[] = ['east', 'west'];

/**
 * When pods were bound and deleted on the clusters and by whom, oldest first: where two loaders had one module, that which
 * went unloaded it for the other.
 *
 * @param began of the round, RFC 3339
 */
export async function loadersTold(fleet: FaultFleet, began: string): Promise<string[]> {
  const since = new Date(Date.parse(began) - BEFORE_MS).toISOString();
  const all = await Promise.all(
    CLUSTERS.map(async (cluster) => {
      const requests = await Array.fromAsync(readAuditLog(fleet.plane(cluster).auditLog));
      return requests
        .filter((request) => isOfPod(request) && request.requestReceivedTimestamp >= since)
        .map((request) => told(cluster, request));
    }),
  );
  return all.flat().sort().slice(-LINES_MAX);
}

const isOfPod = ({ verb, objectRef: { resource, subresource } = {} }: AuditedRequest): boolean =>
  resource === 'pods' && (verb === 'delete' || subresource === 'binding');

const told = (cluster: string, { requestReceivedTimestamp: at, verb, ...request }: AuditedRequest) =>
  `${at} ${cluster} ${verb === 'delete' ? 'deleted' : 'bound'} ${request.objectRef?.name} by ${request.user.username} ${request.responseStatus?.code ?? 'unanswered'}`;
