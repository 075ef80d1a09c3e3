import { FINALIZERS } from '@kmm-fleet/api';
import {
  CORE,
  type EventRecorder,
  type KubeClient,
  type KubeObject,
  type Log,
  parseObjectKey,
} from '@kmm-fleet/runtime';
import type { NodeView, PodView } from '../views.ts';
import { planNodeLabels } from './plan-node-labels.ts';

export interface NodePorts {
  readonly client: KubeClient;
  readonly log: Log;
  readonly events: EventRecorder;
  observe(name: string): {
    readonly node: NodeView | undefined;
    readonly pods: readonly PodView[];
    readonly versioned: readonly { readonly namespace: string; readonly name: string }[];
    /** Keys of all Modules. */
    readonly known: ReadonlySet<string>;
  };
}

const FIELD_MANAGER = 'kmm-node-labels';

/** One pass over one node: its labels first, then the finalizers of pods that have left. */
export async function reconcileNode(name: string, ports: NodePorts, signal: AbortSignal): Promise<undefined> {
  const { node, pods, versioned, known } = ports.observe(name);
  const { labels, released, loaded, unloaded } = planNodeLabels(node, pods, versioned, known);
  if (Object.keys(labels).length > 0) {
    await ports.client.mergePatch(
      CORE.node,
      { name },
      { metadata: { labels } },
      { fieldManager: FIELD_MANAGER },
      signal,
    );
    for (const module of loaded) tell(ports, node, 'ModuleLoaded', module);
    for (const module of unloaded) tell(ports, node, 'ModuleUnloaded', module);
  }
  for (const key of released) {
    const pod = pods.find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === key);
    if (pod) await release(ports.client, pod, signal);
  }
  return undefined;
}

async function release(client: KubeClient, { metadata }: PodView, signal: AbortSignal): Promise<void> {
  const finalizers = (metadata.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZERS.nodeLabeler);
  if (finalizers.length === metadata.finalizers?.length) return;
  const patch = { metadata: { finalizers, resourceVersion: metadata.resourceVersion } };
  const name = parseObjectKey(`${metadata.namespace}/${metadata.name}`);
  await client
    .mergePatch(CORE.pod, name, patch, { fieldManager: FIELD_MANAGER }, signal)
    .catch((error: unknown) => {
      // The pod may be gone by now: that is what was wanted.
      if (!(error instanceof Error && 'code' in error && error.code === 'NOT_FOUND')) throw error;
    });
}

function tell({ log, events }: NodePorts, node: NodeView | undefined, reason: string, module: string): void {
  if (!node) return;
  log.info(reason === 'ModuleLoaded' ? 'module.loaded' : 'module.unloaded', {
    node: node.metadata.name,
    module,
  });
  const regarding: KubeObject = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: node.metadata.name, uid: node.uid },
  };
  const message = `Module ${module} ${reason === 'ModuleLoaded' ? 'loaded into' : 'unloaded from'} the kernel.`;
  events.record(regarding, { type: 'Normal', reason, message, annotations: { module } });
}
