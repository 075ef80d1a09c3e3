import type { DaemonPod } from './daemon-set.ts';
import { isTerminating } from './daemon-set.ts';
import { matchesNode, type NodeView, untolerated } from './scheduling.ts';

/** The node that a pod should be bound to: of those that fit the one with the fewest pods, then the first by name. */
export function planBinding(
  pod: DaemonPod,
  nodes: readonly NodeView[],
  podsPerNode: ReadonlyMap<string, number>,
): string | undefined {
  if (pod.spec.nodeName || isTerminating(pod)) return undefined;
  const fitting = nodes.filter(
    (node) =>
      matchesNode(pod.spec, node) &&
      untolerated(node, pod.spec.tolerations ?? [], ['NoSchedule', 'NoExecute']).length === 0,
  );
  const load = (node: NodeView) => podsPerNode.get(node.metadata.name) ?? 0;
  const [best] = fitting.toSorted(
    (a, b) => load(a) - load(b) || (a.metadata.name < b.metadata.name ? -1 : 1),
  );
  return best?.metadata.name;
}

/** Names of pods whose node is gone: nobody else would ever end them. */
export function planOrphans(pods: readonly DaemonPod[], nodes: readonly NodeView[]): DaemonPod[] {
  const known = new Set(nodes.map(({ metadata }) => metadata.name));
  return pods.filter(({ spec }) => spec.nodeName !== undefined && !known.has(spec.nodeName));
}
