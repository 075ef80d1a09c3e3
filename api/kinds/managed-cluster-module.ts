import * as z from 'zod';
import { HUB_GROUP, VERSION } from '../names.ts';
import { Conditions, Count, LabelMap, ObjectMeta, ObservedGeneration } from './common.ts';
import { ModuleSpec } from './module.ts';

export const ManagedClusterModuleSpec = z
  .strictObject({
    moduleSpec: ModuleSpec.describe('What runs on the selected clusters; its selector selects nodes there.'),
    spokeNamespace: z.string().min(1).max(63).describe('Namespace of the Module on each cluster.'),
    selector: LabelMap.describe('Labels of the ManagedClusters; empty selects all.'),
  })
  .describe('A Module for a fleet.');

const WaitingItem = z.strictObject({
  cluster: z.string().describe('Name of the ManagedCluster.'),
  kernel: z.string().optional().describe('Kernel release, when it is about one.'),
  reason: z.string().describe('Word of docs/reasons.md.'),
  message: z.string().max(1024).describe('Sentence for people.'),
});

export const ManagedClusterModuleStatus = z.strictObject({
  numberDesired: Count().optional().describe('ManifestWorks that exist.'),
  numberApplied: Count().optional().describe('ManifestWorks with condition Applied.'),
  numberDegraded: Count().optional().describe('ManifestWorks with condition Degraded.'),
  observedGeneration: ObservedGeneration,
  summary: z.string().max(1024).optional().describe('One line for people.'),
  clusters: z
    .strictObject({
      selected: Count().describe('All of them; those that are being unloaded are not counted.'),
      ready: Count().describe('Every node that wants the module has it.'),
      progressing: Count().describe('On the way; ends by itself.'),
      waiting: Count().describe('Something is missing, as an image or a mapping; see waiting.'),
      degraded: Count().describe('Something failed there; see waiting.'),
    })
    .optional()
    .describe('Counts of clusters by state.'),
  nodes: z
    .strictObject({
      selected: Count().optional().describe('Nodes that the selector matches.'),
      desired: Count().describe('Of those, nodes whose kernel has a mapping.'),
      available: Count().describe('Nodes where the module is loaded.'),
    })
    .optional()
    .describe('Counts of nodes: matched by the selector, with a mapping for their kernel, loaded.'),
  waiting: z.array(WaitingItem).max(10).optional().describe('Examples of what waits, with the reason.'),
  conditions: Conditions.optional(),
});
export type ManagedClusterModuleStatus = z.infer<typeof ManagedClusterModuleStatus>;

export const ManagedClusterModule = z.strictObject({
  apiVersion: z.literal(`${HUB_GROUP}/${VERSION}`),
  kind: z.literal('ManagedClusterModule'),
  metadata: ObjectMeta,
  spec: ManagedClusterModuleSpec,
  status: ManagedClusterModuleStatus.optional(),
});
export type ManagedClusterModule = z.infer<typeof ManagedClusterModule>;
