import { FINALIZERS } from '@kmm-fleet/api';
import { CORE, isAppError, type KubeClient, type KubeObject } from '@kmm-fleet/runtime';
import type { NodeView, PodView } from '../views.ts';
import { type Tellers, tellModule } from './node-events.ts';
import { planNodeLabels } from './plan-node-labels.ts';

export interface NodePorts extends Tellers {
  readonly client: KubeClient;
  /** Told of a node as it is after a write: the next pass may come before the watch tells it. */
  learn(node: KubeObject): void;
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
  const { labels, released, loaded } = planNodeLabels(node, pods, versioned, known);
  if (Object.keys(labels).length > 0) {
    const patch = { metadata: { labels } };
    ports.learn(
      await ports.client.mergePatch(CORE.node, { name }, patch, { fieldManager: FIELD_MANAGER }, signal),
    );
    for (const module of loaded) tellModule(ports, node, 'ModuleLoaded', module);
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
  const name = { namespace: metadata.namespace ?? '', name: metadata.name };
  await client
    .mergePatch(CORE.pod, name, patch, { fieldManager: FIELD_MANAGER }, signal)
    .catch((error: unknown) => {
      // The pod may be gone by now: that is what was wanted.
      if (!isAppError(error) || error.code !== 'NOT_FOUND') throw error;
    });
}
