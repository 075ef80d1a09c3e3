import { z } from 'zod';
import { HUB_GROUP, VERSION } from '../names.ts';
import { Conditions, Count, LabelMap, ObjectMeta } from './common.ts';
import { ModuleSpec } from './module.ts';

export const ManagedClusterModuleSpec = z
  .strictObject({
    moduleSpec: ModuleSpec.describe('What runs on the selected clusters; its selector selects nodes there.'),
    spokeNamespace: z.string().min(1).max(63).describe('Namespace of the Module on each cluster.'),
    selector: LabelMap.describe('Labels of the ManagedClusters; empty selects all.'),
  })
  .describe('A Module for a fleet.');

const WaitingItem = z.strictObject({
  cluster: z.string(),
  kernel: z.string().optional(),
  reason: z.string(),
  message: z.string().max(1024),
});

export const ManagedClusterModuleStatus = z.strictObject({
  numberDesired: Count().optional().describe('ManifestWorks that exist.'),
  numberApplied: Count().optional().describe('ManifestWorks with condition Applied.'),
  numberDegraded: Count().optional().describe('ManifestWorks with condition Degraded.'),
  observedGeneration: z.int().meta({ format: 'int64' }).optional(),
  summary: z.string().max(1024).optional().describe('One line for people.'),
  clusters: z
    .strictObject({
      selected: Count(),
      ready: Count(),
      progressing: Count(),
      waiting: Count(),
      degraded: Count(),
    })
    .optional()
    .describe('Counts of clusters by state.'),
  nodes: z
    .strictObject({ selected: Count().optional(), desired: Count(), available: Count() })
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
