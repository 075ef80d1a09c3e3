import type { EventRecorder, KubeObject, Log } from '@kmm-fleet/runtime';
import type { Unloading } from '../loaders/unloading.ts';
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

/** The loader of a module that was loaded has ended. */
export function tellUnloading(
  tellers: Tellers,
  node: NodeView | undefined,
  { module, metadata }: PodView,
  unloading: Unloading,
): void {
  const key = `${metadata.namespace}/${module}`;
  if (unloading.outcome === 'left') return tellModule(tellers, node, 'ModuleUnloaded', key);
  if (!node) return;
  const { event, reason, message, next } = warningOf(key, unloading);
  tellers.log.error(event, { node: node.metadata.name, module: key, message });
  const annotations = { module: key };
  tellers.events.record(objectOf(node), {
    type: 'Warning',
    reason,
    message: `${message} ${next}`,
    annotations,
  });
}

function warningOf(module: string, unloading: Exclude<Unloading, { outcome: 'left' }>) {
  return unloading.outcome === 'stays'
    ? {
        event: 'module.kept',
        reason: 'ModuleNotUnloaded',
        message: `Module ${module} stays in the kernel: ${unloading.words}`,
        next: 'End what uses it, then run modprobe -r on the node or reboot it.',
      }
    : {
        event: 'module.unknown',
        reason: 'ModuleUnloadUnknown',
        message: `Whether module ${module} left the kernel is not known: ${unloading.why}`,
        next: 'Look with lsmod on the node; what is still there leaves with modprobe -r or a reboot.',
      };
}

const objectOf = ({ metadata: { name }, uid }: NodeView): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, uid },
});
