import type { EventRecorder, Log } from '@kmm-fleet/runtime';
import type { NodeView, PodView } from '../views.ts';

/** A module that was loaded did not leave the kernel with its loader: somebody uses it. Tells the Node's readers. */
export function tellModuleKept(
  { log, events }: { readonly log: Log; readonly events: EventRecorder },
  node: NodeView | undefined,
  { module, metadata, unloadWords }: PodView,
): void {
  if (!node) return;
  const { name } = node.metadata;
  const key = `${metadata.namespace}/${module}`;
  log.error('module.kept', { node: name, module: key, message: unloadWords });
  events.record(
    { apiVersion: 'v1', kind: 'Node', metadata: { name, uid: node.uid } },
    {
      type: 'Warning',
      reason: 'ModuleNotUnloaded',
      message: `Module ${key} stays in the kernel: ${unloadWords} End what uses it, then run modprobe -r on the node or reboot it.`,
      annotations: { module: key },
    },
  );
}
