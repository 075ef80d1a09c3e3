import {
  LABELS,
  type ManagedClusterModuleStatus,
  type ManifestWork,
  type Module,
  type ModuleImage,
  moduleImageName,
} from '@kmm-fleet/api';
import { reportedNodes } from '@kmm-fleet/hub';
import type { KubeObject } from '@kmm-fleet/runtime';
import { paint, paintState } from '../output/terminal.ts';
import { type Branch, drawTree } from '../output/tree.ts';
import { type ClusterFacts, clusterKernels, type KernelStatus } from './kernel-status.ts';

/** Where a module stands: cluster by cluster, kernel by kernel, node by node. */
export interface ModuleTree {
  readonly module: string;
  readonly state: string;
  readonly message: string;
  readonly clusters: readonly ClusterTree[];
}

export interface ClusterTree {
  readonly cluster: string;
  readonly state: string;
  readonly message: string;
  /** As the cluster reports them with its work. */
  readonly nodes: { readonly desired: number; readonly available: number };
  /** Without a way to the cluster the nodes of each kernel are not known: then they are absent. */
  readonly kernels: readonly KernelStatus[];
}

/** The tree of one module. Pure. @param facts of the clusters that could be asked */
export function moduleTree(input: {
  readonly mcm: KubeObject;
  readonly works: readonly ManifestWork[];
  readonly images: readonly ModuleImage[];
  readonly facts: ReadonlyMap<string, ClusterFacts>;
}): ModuleTree {
  const { mcm, facts } = input;
  const { name } = mcm.metadata;
  const status = (mcm['status'] ?? {}) as ManagedClusterModuleStatus;
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  const waits = new Map((status.waiting ?? []).map((wait) => [wait.cluster, wait]));
  const works = new Map(
    input.works
      .filter(({ metadata }) => metadata.labels?.[LABELS.managedClusterModule] === name)
      .map((work) => [work.metadata.namespace ?? '', work]),
  );
  const clusters = [...new Set([...works.keys(), ...waits.keys()])].sort().map((cluster): ClusterTree => {
    const work = works.get(cluster);
    const wait = waits.get(cluster);
    const manifest = work?.spec.workload?.manifests?.[0] as unknown as Module | undefined;
    return {
      cluster,
      state: wait?.reason ?? 'Ready',
      message: (wait?.message ?? '') + pendingImages(name, wait, input.images),
      nodes: reportedNodes(work),
      kernels: clusterKernels(manifest, facts.get(cluster)),
    };
  });
  return { module: name, state: ready?.reason ?? 'Unknown', message: status.summary ?? '', clusters };
}

/** Names of the images that a cluster waits for, unless its message has them already. */
function pendingImages(
  module: string,
  wait: { readonly kernel?: string | undefined; readonly message: string } | undefined,
  images: readonly ModuleImage[],
): string {
  if (!wait || wait.message.includes('ModuleImage')) return '';
  return images
    .filter(
      ({ spec, status }) =>
        spec.module.name === module && status?.state !== 'Ready' && spec.kernelVersion === wait.kernel,
    )
    .map(({ spec }) => ` [${moduleImageName(spec.image, spec.kernelVersion)}]`)
    .join('');
}

/** The tree as text, in colours on a terminal. */
export function describeTree({ module, state, message, clusters }: ModuleTree): string {
  const line = (name: string, word: string, text: string) =>
    [name, paintState(word), paint('dim', text)].filter(Boolean).join('  ');
  return drawTree({
    text: line(paint('bold', module), state, message),
    children: clusters.map((cluster): Branch => {
      const { desired, available } = cluster.nodes;
      return {
        text: line(
          cluster.cluster,
          cluster.state,
          `${available} of ${desired} nodes. ${cluster.message}`.trim(),
        ),
        children: cluster.kernels.map(({ kernel, image, nodes }) => ({
          text: `${kernel}  ${paint('dim', image || 'no mapping')}`,
          children: (nodes ?? []).map((node) => ({ text: line(node.node, node.state, node.message) })),
        })),
      };
    }),
  }).join('\n');
}
