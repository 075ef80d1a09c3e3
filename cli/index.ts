/** The kmm command. Its parts that stories and tests use. */
export type { Supervised } from '@kmm-fleet/lab';
export type { ControlPlaneKind } from './lab/control-planes.ts';
export { startLab, stopLab } from './lab/lab.ts';
export { UNMAPPED_KERNEL } from './lab/lab-plan.ts';
export { type LabPaths, type LabState, labPaths, readLabState } from './lab/lab-state.ts';
export {
  demoFolder,
  type ManifestValues,
  manifestValues,
  readObjects,
  spokeObjects,
  toolkits,
  writeManifests,
} from './lab/manifests.ts';
export { type CommandLine, supervise } from './lab/supervise.ts';
export { createUninstallObserver } from './uninstall/observe-uninstall.ts';
export type { Mode } from './uninstall/plan-uninstall.ts';
export { runUninstall } from './uninstall/run-uninstall.ts';
