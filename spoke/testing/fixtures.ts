import { checkModule, type Module, type ModuleSpec } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import { type DaemonSetView, daemonSetView, type NodeView, nodeView, type PodView } from '../views.ts';
import { node } from './memory-nodes.ts';

export const NAMESPACE = 'openshift-kmm';
export const DIGEST = `sha256:${'a'.repeat(64)}`;
/** A pinned image of one kernel. */
export const pinned = (name: string) => `registry.example/${name}@${DIGEST}`;
export const SELECTOR = { worker: 'yes' };
export const K1 = '6.1.0-1-amd64';
export const K2 = '6.1.0-2-amd64';

export const literal = (kernel: string, containerImage = pinned(`kmod-${kernel}`)) => ({
  literal: kernel,
  containerImage,
});

/** A Module as it lies in the API server. */
export function moduleObject(spec: Partial<ModuleSpec> = {}, container: object = {}): KubeObject {
  const loader = {
    container: {
      modprobe: { moduleName: 'kmod' },
      kernelMappings: [literal(K1), literal(K2)],
      ...container,
    },
  };
  return {
    apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
    kind: 'Module',
    metadata: { name: 'kmod', namespace: NAMESPACE },
    spec: { selector: SELECTOR, moduleLoader: loader, ...spec },
  };
}

/** The same, checked. */
export function module(spec: Partial<ModuleSpec> = {}, container: object = {}): Module {
  const checked = checkModule(moduleObject(spec, container));
  if (!checked.ok) throw new Error(JSON.stringify(checked.findings));
  return checked.value;
}

export const nodeOf = (name: string, kernel: string, labels = SELECTOR as Record<string, string>): NodeView =>
  nodeView(node(name, kernel, labels));

/** A DaemonSet as the cluster would show it, with `scheduled` pods up. */
export function runs(object: KubeObject, scheduled = 1): DaemonSetView {
  const status = {
    observedGeneration: 1,
    desiredNumberScheduled: scheduled,
    updatedNumberScheduled: scheduled,
    numberAvailable: scheduled,
  };
  return daemonSetView({ ...object, metadata: { ...object.metadata, generation: 1 }, status });
}

export const podOf = (pod: Partial<PodView> & { labels?: Record<string, string> }): PodView => ({
  metadata: { name: 'pod', namespace: NAMESPACE, finalizers: ['kmm.node.kubernetes.io/node-labeler'] },
  module: 'kmod',
  role: 'module-loader',
  kernel: K1,
  node: 'n1',
  isReady: true,
  isUp: true,
  startedAt: undefined,
  isDeleting: false,
  problem: undefined,
  unloading: undefined,
  ...pod,
});
