import * as z from 'zod';
import { GROUP, VERSION } from '../names.ts';
import {
  Conditions,
  Count,
  coreObject,
  LabelMap,
  LocalObjectReference,
  ObjectMeta,
  ObservedGeneration,
  withRules,
} from './common.ts';
import { ModuleLoader } from './loader.ts';

const Container = z.strictObject({
  image: z.string().min(1).max(1024).describe('Reference of the image.'),
  command: z.array(z.string()).optional().describe('Replaces the entrypoint of the image.'),
  args: z.array(z.string()).optional().describe('Arguments of the command.'),
  env: z.array(coreObject()).optional().describe('Environment variables.'),
  imagePullPolicy: z
    .enum(['Always', 'Never', 'IfNotPresent'])
    .optional()
    .describe('When nodes pull the image.'),
  resources: coreObject().optional().describe('Requests and limits.'),
  volumeMounts: z.array(coreObject()).optional().describe('Where volumes are mounted.'),
});

const workload = {
  container: Container.describe('What runs.'),
  initContainer: Container.optional().describe('Runs to its end first.'),
  serviceAccountName: z.string().max(253).optional().describe('Service account of the pods.'),
  automountServiceAccountToken: z
    .boolean()
    .optional()
    .describe('Whether the token of the service account is mounted.'),
  volumes: z.array(coreObject()).optional().describe('Volumes of the pods.'),
};

export const DevicePlugin = z.strictObject(workload).describe('Runs on nodes where the module is loaded.');
export type DevicePlugin = z.infer<typeof DevicePlugin>;

const DeviceClass = z.strictObject({
  name: z.string().min(1).max(253).describe('Name of the DeviceClass.'),
  selectors: z.array(coreObject()).max(32).optional().describe('Selectors of the DeviceClass.'),
  config: z.array(coreObject()).max(32).optional().describe('Configuration of the DeviceClass.'),
});

export const Dra = z
  .strictObject({
    ...workload,
    driverName: z.string().min(1).max(253).describe('Name of the driver.'),
    deviceClasses: z.array(DeviceClass).optional().describe('Device classes of the driver.'),
  })
  .describe('Dynamic Resource Allocation driver. Accepted; not deployed yet.');

export const Toleration = z.strictObject({
  key: z.string().optional().describe('Key of the taint; none is every key.'),
  operator: z.enum(['Exists', 'Equal', 'Lt', 'Gt']).optional().describe('How value is compared.'),
  value: z.string().optional().describe('Value of the taint.'),
  effect: z
    .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
    .optional()
    .describe('Effect of the taint; none is every effect.'),
  tolerationSeconds: z
    .int()
    .meta({ format: 'int64' })
    .optional()
    .describe('How long NoExecute is tolerated; none is for ever.'),
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
    tolerations: z.array(Toleration).max(64).optional().describe('Taints of nodes that the pods tolerate.'),
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
    nodesMatchingSelectorNumber: Count()
      .optional()
      .describe('Nodes that the selector matches and whose taints are tolerated, ready or not.'),
    desiredNumber: Count().optional().describe('Of those, nodes whose kernel has a mapping.'),
    availableNumber: Count().optional().describe('Nodes where it is up.'),
  })
  .describe('Counted in nodes.');

export const ModuleStatus = z.strictObject({
  moduleLoader: DaemonSetCounts.optional(),
  devicePlugin: DaemonSetCounts.optional(),
  dra: DaemonSetCounts.optional(),
  imageRebuildTriggerGeneration: z
    .int()
    .meta({ format: 'int32' })
    .optional()
    .describe('A field of upstream; not written here.'),
  observedGeneration: ObservedGeneration,
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
