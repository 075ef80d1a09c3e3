import { ManagedClusterModule } from '../kinds/managed-cluster-module.ts';
import { Module } from '../kinds/module.ts';
import { ModuleImage } from '../kinds/module-image.ts';
import { AppliedManifestWork, ClusterClaim, ManagedCluster, ManifestWork } from '../kinds/ocm.ts';
import { RESOURCES } from '../resources.ts';
import type { Column, Definition } from './custom-resource-definition.ts';

const date = (name: string, jsonPath: string): Column => ({ name, type: 'date', jsonPath });
const age = date('Age', '.metadata.creationTimestamp');
const text = (name: string, jsonPath: string): Column => ({ name, type: 'string', jsonPath });
/** Only with -o wide. */
const wide = (column: Column): Column => ({ ...column, priority: 1 });
const count = (name: string, jsonPath: string): Column => ({ name, type: 'integer', jsonPath });
const condition = (name: string, type: string, field = 'status') =>
  text(name, `.status.conditions[?(@.type=="${type}")].${field}`);
const categories = ['kmm'];

/** Our kinds: installed on hub and spokes. */
export const OWN: readonly Definition[] = [
  {
    resource: RESOURCES.module,
    schema: Module,
    description: 'A kernel module, and where and how it is loaded on the nodes of this cluster.',
    shortNames: ['kmod'],
    categories,
    columns: [
      count('Nodes', '.status.moduleLoader.desiredNumber'),
      count('Loaded', '.status.moduleLoader.availableNumber'),
      count('Plugins', '.status.devicePlugin.availableNumber'),
      wide(count('Matching', '.status.moduleLoader.nodesMatchingSelectorNumber')),
      wide(condition('Degraded', 'Degraded')),
      wide(condition('Reason', 'Degraded', 'reason')),
      wide(condition('Message', 'Degraded', 'message')),
      age,
    ],
  },
  {
    resource: RESOURCES.managedClusterModule,
    schema: ManagedClusterModule,
    description: 'A Module for every managed cluster that the selector matches.',
    shortNames: ['mcm'],
    categories,
    columns: [
      count('Clusters', '.status.clusters.selected'),
      count('Ready', '.status.clusters.ready'),
      count('Progressing', '.status.clusters.progressing'),
      count('Waiting', '.status.clusters.waiting'),
      count('Degraded', '.status.clusters.degraded'),
      condition('Status', 'Ready', 'reason'),
      wide(condition('Message', 'Ready', 'message')),
      age,
    ],
  },
  {
    resource: RESOURCES.moduleImage,
    schema: ModuleImage,
    description: 'One module image for one kernel: its recipe, its state and its digest.',
    shortNames: ['mimg'],
    categories,
    columns: [
      text('Image', '.spec.image'),
      text('Kernel', '.spec.kernelVersion'),
      text('State', '.status.state'),
      count('Clusters', '.status.wantedBy'),
      text('Digest', '.status.digest'),
      text('Reason', '.status.reason'),
      wide(date('Since', '.status.startTime')),
      wide(count('Failures', '.status.attempt.failures')),
      wide(text('Next', '.status.attempt.nextTime')),
      wide(text('Message', '.status.message')),
      age,
    ],
  },
];

/** Kinds of Open Cluster Management as we know them, for the embedded fleet. Real fleets bring their own. */
export const OCM: readonly Definition[] = [
  {
    resource: RESOURCES.managedCluster,
    schema: ManagedCluster,
    description: 'A cluster that the hub knows.',
    shortNames: ['mcl', 'mcls'],
    categories: [],
    columns: [
      condition('Joined', 'ManagedClusterJoined'),
      condition('Available', 'ManagedClusterConditionAvailable'),
      age,
    ],
  },
  {
    resource: RESOURCES.manifestWork,
    schema: ManifestWork,
    description: 'Objects that the agent of a cluster applies there.',
    shortNames: [],
    categories: [],
    columns: [condition('Applied', 'Applied'), condition('Available', 'Available'), age],
  },
  {
    resource: RESOURCES.appliedManifestWork,
    schema: AppliedManifestWork,
    description: 'What the agent of a cluster has applied for one ManifestWork.',
    shortNames: [],
    categories: [],
    columns: [text('Work', '.spec.manifestWorkName'), age],
  },
  {
    resource: RESOURCES.clusterClaim,
    schema: ClusterClaim,
    description: 'A fact about a cluster, which its agent copies to the hub.',
    shortNames: [],
    categories: [],
    columns: [age],
  },
];
