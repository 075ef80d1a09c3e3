/** What lives around a hub and its spokes: OCM's agents, DaemonSets, and nodes with kernels. */
export {
  type ClusterShape,
  type ControlPlane,
  createFleet,
  type Fleet,
  type FleetCluster,
  type FleetOptions,
  joinFleet,
  ocmStandIns,
} from './fleet.ts';
export { installObjects } from './install-objects.ts';
export { NODE_ANNOTATIONS, type NodeOptions, type SimulatedNode } from './node/node.ts';
