import { error, type ReasonEntry, warning } from './reason.ts';

/** What only `kmm gather` concludes, from many objects or from what it could not read. */
export const OF_GATHERS = {
  ClusterUnavailable: error(
    'A ManagedCluster is not available: the hub hears nothing of it.',
    'Check the cluster and its klusterlet. What runs there goes on.',
  ),
  KernelLabelStale: warning(
    'A node is labelled with a kernel that it does not run, so loaders may miss it.',
    'Look at the log of the spoke operator; it sets the label.',
  ),
  CannotRead: warning(
    'Something could not be read, so the gather is half blind there.',
    'Gather with an account that may read it, or leave it: the rest is complete.',
  ),
  ContainerRestarts: warning('A container was restarted.', 'Read its previous log.'),
  NodeNotReady: error('A node is not ready.', 'Look at its kubelet.'),
  OperatorMissing: error(
    'No pod of the operator is in its namespace.',
    'Install it, or name its namespace with -n.',
  ),
  OperatorNotReady: error('A pod of the operator is not ready.', 'Read its log and its previous log.'),
  PodsUnavailable: error(
    'A DaemonSet has fewer pods than it wants.',
    'Look at its pods and at the events about them.',
  ),
} as const satisfies Record<string, ReasonEntry>;
