import { isReady, isTerminating, REVISION_LABEL, templateHash } from './daemon-set.ts';
import { type DaemonInput, groupByNode, placementOn } from './plan-daemon-set.ts';

/** The numbers of a DaemonSet, counted in nodes. `minReadySeconds` is not waited for. */
export function daemonSetStatus({ set, nodes, pods }: DaemonInput): object {
  const hash = templateHash(set);
  const byNode = groupByNode(pods);
  const counts = { desired: 0, current: 0, ready: 0, updated: 0, misscheduled: 0 };
  for (const node of nodes) {
    const there = byNode.get(node.metadata.name) ?? [];
    if (!placementOn(set, node).run) {
      counts.misscheduled += there.length > 0 ? 1 : 0;
      continue;
    }
    counts.desired += 1;
    const [oldest] = there.toSorted((a, b) => Number(isTerminating(a)) - Number(isTerminating(b)));
    if (!oldest) continue;
    counts.current += 1;
    counts.ready += isReady(oldest) ? 1 : 0;
    counts.updated += oldest.metadata.labels?.[REVISION_LABEL] === hash ? 1 : 0;
  }
  const unavailable = counts.desired - counts.ready;
  return {
    desiredNumberScheduled: counts.desired,
    currentNumberScheduled: counts.current,
    numberReady: counts.ready,
    // Kubernetes leaves zeros of these out.
    ...(counts.ready > 0 && { numberAvailable: counts.ready }),
    ...(unavailable > 0 && { numberUnavailable: unavailable }),
    ...(counts.updated > 0 && { updatedNumberScheduled: counts.updated }),
    numberMisscheduled: counts.misscheduled,
    observedGeneration: set.metadata.generation ?? 1,
  };
}
