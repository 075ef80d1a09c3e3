/**
 * The spoke process; with KMM_MANAGED unset the operator of a single cluster.
 *
 * claim/           kernels of all nodes → ClusterClaim
 * node-labels/     ready pods → labels of nodes, finalizers of pods, ordered upgrades
 * modules/         Module → DaemonSets, status, teardown
 * loaders/, device-plugins/, hooks/   the shape of what runs on nodes
 * namespaces/      a label on namespaces with Modules, where they are guarded
 * standalone/      images of a cluster without a hub; loaded only then
 */
export { postStartCommand, preStopCommand, softdepConfig } from './hooks/loader-hooks.ts';
export { planModule } from './modules/plan-module.ts';
export { createSpoke, type Spoke, type SpokePorts } from './start-spoke.ts';
