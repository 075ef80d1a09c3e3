/** What lives around a hub and its spokes: OCM's agents, DaemonSets, and nodes with kernels. */
export { type ClusterShape, createFleet, type Fleet, type FleetCluster, type FleetOptions } from './fleet.ts';
export { NODE_ANNOTATIONS, type NodeOptions, type SimulatedNode } from './node/node.ts';
