import { z } from 'zod';
import { GROUP, VERSION } from '../names.ts';
import {
  Conditions,
  Count,
  coreObject,
  LabelMap,
  LocalObjectReference,
  ObjectMeta,
  withRules,
} from './common.ts';
import { ModuleLoader } from './loader.ts';

const Container = z.strictObject({
  image: z.string().min(1).max(1024),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  env: z.array(coreObject()).optional(),
  imagePullPolicy: z.enum(['Always', 'Never', 'IfNotPresent']).optional(),
  resources: coreObject().optional(),
  volumeMounts: z.array(coreObject()).optional(),
});

const workload = {
  container: Container,
  initContainer: Container.optional(),
  serviceAccountName: z.string().max(253).optional(),
  automountServiceAccountToken: z.boolean().optional(),
  volumes: z.array(coreObject()).optional(),
};

export const DevicePlugin = z.strictObject(workload).describe('Runs on nodes where the module is loaded.');
export type DevicePlugin = z.infer<typeof DevicePlugin>;

const DeviceClass = z.strictObject({
  name: z.string().min(1).max(253),
  selectors: z.array(coreObject()).max(32).optional(),
  config: z.array(coreObject()).max(32).optional(),
});

export const Dra = z
  .strictObject({
    ...workload,
    driverName: z.string().min(1).max(253),
    deviceClasses: z.array(DeviceClass).optional(),
  })
  .describe('Dynamic Resource Allocation driver. Accepted; not deployed yet.');

export const Toleration = z.strictObject({
  key: z.string().optional(),
  operator: z.enum(['Exists', 'Equal', 'Lt', 'Gt']).optional(),
  value: z.string().optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: z.int().meta({ format: 'int64' }).optional(),
});
export type Toleration = z.infer<typeof Toleration>;

export const ModuleSpec = withRules(
  z.strictObject({
    selector: LabelMap.describe('Labels of the nodes that get the module.'),
    moduleLoader: ModuleLoader.optional(),
    devicePlugin: DevicePlugin.optional(),
    dra: Dra.optional(),
    imageRepoSecret: LocalObjectReference.optional().describe(
      'Pull secret of images, push secret of builds.',
    ),
    tolerations: z.array(Toleration).max(64).optional(),
    imageRebuildTriggerGeneration: z
      .int()
      .meta({ format: 'int32' })
      .optional()
      .describe('Raise to build again.'),
  }),
  { rule: '!(has(self.devicePlugin) && has(self.dra))', message: 'devicePlugin and dra exclude each other' },
).describe('What to load and where.');
export type ModuleSpec = z.infer<typeof ModuleSpec>;

const DaemonSetCounts = z
  .strictObject({
    nodesMatchingSelectorNumber: Count().optional().describe('Schedulable nodes that the selector matches.'),
    desiredNumber: Count().optional().describe('Of those, nodes whose kernel has a mapping.'),
    availableNumber: Count().optional().describe('Nodes where it is up.'),
  })
  .describe('Counted in nodes.');

export const ModuleStatus = z.strictObject({
  moduleLoader: DaemonSetCounts.optional(),
  devicePlugin: DaemonSetCounts.optional(),
  dra: DaemonSetCounts.optional(),
  imageRebuildTriggerGeneration: z.int().meta({ format: 'int32' }).optional(),
  observedGeneration: z.int().meta({ format: 'int64' }).optional(),
  conditions: Conditions.optional(),
});
export type ModuleStatus = z.infer<typeof ModuleStatus>;

export const Module = z.strictObject({
  apiVersion: z.literal(`${GROUP}/${VERSION}`),
  kind: z.literal('Module'),
  metadata: ObjectMeta,
  spec: ModuleSpec,
  status: ModuleStatus.optional(),
});
export type Module = z.infer<typeof Module>;
