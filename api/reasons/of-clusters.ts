import { error, ok, type ReasonEntry, waiting, warning } from './reason.ts';

/** Where modules stand on clusters and nodes. */
export const OF_CLUSTERS = {
  AllClustersReady: ok('Every selected cluster has the module on every node that wants it.'),
  ClaimEmpty: error(
    'The claim of the cluster names no kernel.',
    'Look at the spoke operator there: its log, its nodes.',
  ),
  ClaimMissing: error(
    'The cluster claims no kernels, so nothing can be built for it.',
    'Install the spoke with KMM_MANAGED=1 there; check that OCM copies ClusterClaims.',
  ),
  ClusterNamespaceMissing: error('The hub has no namespace for the cluster.', 'Accept the cluster in OCM.'),
  ClustersChanging: waiting('Some clusters are being changed.'),
  ClustersLeft: ok(
    'Clusters lost a label of spec.selector, or it was changed, and they unload the module.',
    'If that was a mistake, give the labels back: the module is loaded again.',
  ),
  Deleting: waiting('The module is being removed from the clusters.'),
  DevicePluginStarting: waiting('The module is loaded; the device plugin is not on every node yet.'),
  FirmwarePathNotSet: warning(
    'The module brings firmware, and the kernel of a node does not look where it goes.',
    'Start the node with the kernel argument firmware_class.path=/var/lib/firmware; on OpenShift a MachineConfig does that.',
  ),
  ImageNotPinned: warning(
    'The cluster runs an image by its tag: a node that starts later may get other contents.',
    'Name the image by digest, or let the hub pin it.',
  ),
  KernelInvalid: error('A kernel release does not look like one.', 'Check the kernel claim of the cluster.'),
  KernelNotMapped: error(
    'No entry of kernelMappings matches a kernel that the cluster runs. Its nodes do not get the module; those that had it unload it, but for a managed cluster none of whose kernels is matched: that one keeps all.',
    'Add a literal or a regexp for that kernel; kmm plan -f FILE shows what would match.',
  ),
  Loaded: ok('The module is loaded on every node that wants it.'),
  ModuleLoaded: ok('The kernel of a node has the module: it was loaded, or the node is heard of again.'),
  ModuleNotUnloaded: warning(
    'The loader has gone and its module stays in the kernel of a node: something uses it.',
    'The message names the modules that use it; on the node, lsof or fuser names programs. End what uses it, then run modprobe -r there, or reboot it.',
  ),
  ModuleUnloadUnknown: warning(
    'The loader has gone, and whether its module left the kernel of a node is not known: its hook may have been cut off, or tells nothing of it, as hooks of KMM 1.x do.',
    'Look with lsmod on the node. What is still there leaves with modprobe -r or a reboot.',
  ),
  ModuleUnloaded: ok('The module was unloaded from the kernel of a node.'),
  NoClusterSelected: warning(
    'No ManagedCluster has the labels of spec.selector.',
    'Label a cluster, or mend the selector.',
  ),
  NoNodeSelected: warning(
    'No node has the labels of spec.moduleSpec.selector and taints that are tolerated, so the module is on none. Nodes that were left have unloaded it.',
    'Mend spec.moduleSpec.selector, or label a node of a cluster that shall have it: kubectl label node NODE KEY=VALUE.',
  ),
  NoFailure: ok('Nothing has failed.'),
  NoImage: waiting('The cluster has no image for the kernel of the node.', 'See why the image is not ready.'),
  NoPod: warning(
    'No pod of the module is on the node.',
    'Check the taints of the node and spec.tolerations.',
  ),
  NodesLoading: waiting(
    'Some nodes do not have the module yet, or are not ready, so that nobody can tell.',
    'If it stays, look at the nodes and at the loader pods of the cluster.',
  ),
  NotClaimed: waiting('The claim of the cluster does not name this kernel yet.'),
  NotReported: waiting(
    'The hub has not looked at the module yet.',
    'If it stays, look at the log of the hub operator.',
  ),
  Other: warning(
    'A kubelet gave a reason that this vocabulary does not have; metrics show all of those as one.',
    'Read the condition of the Module, or kmm status: they have the word itself.',
  ),
  PodSecurityForbids: error(
    'The namespace of the Module enforces a Pod Security level that forbids what loads modules.',
    'Label it pod-security.kubernetes.io/enforce=privileged; kmm install privileges NAMESPACE prints what is needed.',
  ),
  PodsRefused: error(
    'The cluster refuses to make the pods of a module, such as for a quota or an admission policy.',
    'Read its words in the message, and remove what refuses them.',
  ),
  PostStartHookError: error(
    'modprobe failed on the node.',
    'Read its words in the message: "Key was rejected by service" and "Required key not available" are Secure Boot, "Unknown symbol" or "Invalid module format" an image of another kernel, "in use" a holder; "not found in directory" is modprobe.moduleName, dirName or an image without the module: kmm image inspect IMAGE lists its modules.',
  ),
  Ready: ok('All is well.'),
  SecurityContextForbids: error(
    'OpenShift does not let the service account of the pods use the SecurityContextConstraints that loading takes.',
    'Grant them: kmm install privileges NAMESPACE --service-account NAME prints how.',
  ),
  ServiceAccountMissing: error(
    'A Module names a service account that its namespace does not have.',
    'Create it: kmm install privileges NAMESPACE --service-account NAME prints it with all that it needs.',
  ),
  Settled: ok('Nothing is being changed.'),
  SpokeNamespaceChanged: error(
    'spec.spokeNamespace was changed where the Module is on clusters; to move it there it would be unloaded first, so it stays.',
    'Put the old namespace back; or take clusters out of spec.selector until their works are gone, then let them back in.',
  ),
  Starting: waiting('The pod starts.'),
  TooManyKernels: error(
    'The claims of the cluster name more kernels than a hub reads.',
    'Check the nodes of the cluster.',
  ),
  Waiting: waiting('A container waits and does not say for what.', 'Describe the pod.'),
  WaitingForAgent: waiting(
    'The work agent of the cluster has not applied the work yet.',
    'If it stays, the cluster is away: check ManagedClusterConditionAvailable.',
  ),
  WaitingForSpoke: waiting(
    'The cluster unloads the module before its work goes.',
    'If it stays, the cluster is away, or a node cannot unload: look at its loader pods.',
  ),
  WaitingForStatus: waiting(
    'The work is applied, and the spoke has not reported on it.',
    'If it stays, look at the log of the spoke operator, and that its version reports conditions.',
  ),
  WorkNotApplied: error(
    'The work agent cannot apply the Module.',
    'Read the message: most often the namespace, the CRD or a right of klusterlet-work-sa is missing on the cluster.',
  ),
  WorkPending: waiting('The work is being written.'),
} as const satisfies Record<string, ReasonEntry>;
