/**
 * The KMM-Hub process.
 *
 * clusters/   what is kept of a ManagedCluster
 * targets/    which module meets which cluster
 * works/      one module on one cluster: plan, diff, write, state
 * gate/       whether a change may go out now
 * status/     sums per module and the status of a ManagedClusterModule
 */
export { type ClusterView, clusterView } from './clusters/cluster-view.ts';
export { createHub, type Hub, type HubPorts } from './start-hub.ts';
export { mcmStatus } from './status/mcm-status.ts';
export { createTally } from './status/tally.ts';
export { diffWork } from './works/diff-work.ts';
export { hasReportedNodes, type ItemState, itemStatus, reportedNodes } from './works/item-status.ts';
export { createKernelImages, type KernelImages } from './works/kernel-images.ts';
export { pinsOf, planWork, type Wait, type WorkInput, type WorkPlan } from './works/plan-work.ts';
