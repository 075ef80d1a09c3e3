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
  // A node that is heard of again has had it all the time.
  const message = `Module ${module} ${isLoaded ? 'is in' : 'was unloaded from'} the kernel.`;
  events.record(objectOf(node), { type: 'Normal', reason, message, annotations: { module } });
}

/** The loader of a module that was loaded has ended; where it says why the module stays, somebody uses it. */
export function tellEndOfLoader(
  tellers: Tellers,
  node: NodeView | undefined,
  { module, metadata, unloadWords }: PodView,
): void {
  const key = `${metadata.namespace}/${module}`;
  if (!unloadWords) return tellModule(tellers, node, 'ModuleUnloaded', key);
  if (!node) return;
  const { log, events } = tellers;
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
