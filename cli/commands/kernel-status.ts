import { kernelKey, LABELS, type Module, matchesSelector } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';

/** One kernel of one cluster: its image and its nodes. */
export interface KernelStatus {
  readonly kernel: string;
  /** By digest; empty when no mapping serves the kernel. */
  readonly image: string;
  /** Absent where the cluster could not be asked. */
  readonly nodes?: readonly { readonly node: string; readonly state: string; readonly message: string }[];
}

/** What a cluster says when it can be asked. */
export interface ClusterFacts {
  readonly nodes: readonly KubeObject[];
  readonly pods: readonly KubeObject[];
}

interface PodStatus {
  readonly conditions?: readonly { type: string; status: string }[];
  readonly containerStatuses?: readonly {
    state?: { waiting?: { reason?: string; message?: string } };
    lastState?: { terminated?: { message?: string } };
  }[];
}

/** Kernels of a cluster with the nodes that run them, sorted. Pure. */
export function clusterKernels(module: Module | undefined, facts: ClusterFacts | undefined): KernelStatus[] {
  const images = new Map(
    (module?.spec.moduleLoader?.container.kernelMappings ?? []).map(
      ({ literal = '', containerImage = '' }) => [literal, containerImage],
    ),
  );
  const selected = (facts?.nodes ?? []).filter(
    ({ metadata }) => module && matchesSelector(module.spec.selector, metadata.labels),
  );
  const kernels = new Set([...images.keys(), ...selected.map(kernelOf)]);
  const nodesOf = (kernel: string) =>
    selected
      .filter((node) => kernelOf(node) === kernel)
      .map((node) => nodeStatus(node.metadata.name, images.has(kernel), facts?.pods ?? []))
      .sort((a, b) => (a.node < b.node ? -1 : 1));
  return [...kernels].sort().map((kernel) => ({
    kernel,
    image: images.get(kernel) ?? '',
    ...(facts && { nodes: nodesOf(kernel) }),
  }));
}

function nodeStatus(node: string, isMapped: boolean, pods: readonly KubeObject[]) {
  if (!isMapped) return { node, state: 'KernelNotMapped', message: 'No mapping serves this kernel.' };
  const own = pods.filter((pod) => (pod['spec'] as { nodeName?: string } | undefined)?.nodeName === node);
  const loader = own.find(({ metadata }) => metadata.labels?.[LABELS.kernelVersion] !== undefined);
  const status = loader?.['status'] as PodStatus | undefined;
  if (status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True')) {
    return { node, state: 'Ready', message: 'The module is loaded.' };
  }
  const container = status?.containerStatuses?.[0];
  const reason = container?.state?.waiting?.reason ?? (loader ? 'Starting' : 'NoLoader');
  return {
    node,
    state: reason,
    message: (container?.lastState?.terminated?.message ?? container?.state?.waiting?.message ?? '').trim(),
  };
}

function kernelOf(node: KubeObject): string {
  const status = node['status'] as { nodeInfo?: { kernelVersion?: string } } | undefined;
  return kernelKey(status?.nodeInfo?.kernelVersion ?? '');
}
