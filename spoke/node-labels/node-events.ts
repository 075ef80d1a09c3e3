import type { EventRecorder, KubeObject, Log } from '@kmm-fleet/runtime';
import type { NodeView, PodView } from '../views.ts';

/** Where the readers of a Node look, and those of the operator. */
export interface Tellers {
  readonly log: Log;
  readonly events: EventRecorder;
}

/** @param module `namespace/name` */
export function tellModule(
  { log, events }: Tellers,
  node: NodeView | undefined,
  reason: 'ModuleLoaded' | 'ModuleUnloaded',
  module: string,
): void {
  if (!node) return;
  const isLoaded = reason === 'ModuleLoaded';
  log.info(isLoaded ? 'module.loaded' : 'module.unloaded', { node: node.metadata.name, module });
  const message = `Module ${module} ${isLoaded ? 'loaded into' : 'unloaded from'} the kernel.`;
  events.record(objectOf(node), { type: 'Normal', reason, message, annotations: { module } });
}

/** A module that was loaded did not leave the kernel with its loader: somebody uses it. */
export function tellModuleKept(
  { log, events }: Tellers,
  node: NodeView | undefined,
  { module, metadata, unloadWords }: PodView,
): void {
  if (!node) return;
  const key = `${metadata.namespace}/${module}`;
  log.error('module.kept', { node: node.metadata.name, module: key, message: unloadWords });
  const message = `Module ${key} stays in the kernel: ${unloadWords} End what uses it, then run modprobe -r on the node or reboot it.`;
  const annotations = { module: key };
  events.record(objectOf(node), { type: 'Warning', reason: 'ModuleNotUnloaded', message, annotations });
}

const objectOf = ({ metadata: { name }, uid }: NodeView): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, uid },
});
