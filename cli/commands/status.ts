import { existsSync } from 'node:fs';
import {
  LABELS,
  type ManagedClusterModuleStatus,
  type ManifestWork,
  type Module,
  type ModuleImage,
  moduleImageName,
  RESOURCES,
} from '@kmm-fleet/api';
import {
  CORE,
  systemClock as clock,
  createHttpTransport,
  createKubeClient,
  type KubeClient,
  type KubeObject,
  listAll,
  loadKubeConnection,
  systemRandom as random,
} from '@kmm-fleet/runtime';
import type { Command } from 'commander';
import { labPaths, readLabState } from '../lab/lab-state.ts';
import { paint, paintState, print } from '../output/terminal.ts';
import { type ConnectionOptions, connect, withConnection } from './connection.ts';
import { clusterKernels, type KernelStatus } from './status-tree.ts';

interface ModuleTree {
  readonly module: string;
  readonly state: string;
  readonly message: string;
  readonly clusters: readonly {
    readonly cluster: string;
    readonly state: string;
    readonly message: string;
    readonly kernels: readonly KernelStatus[];
  }[];
}

/** `kmm status`: module → cluster → kernel → node, each with its reason. */
export function addStatusCommand(program: Command): void {
  withConnection(
    program.command('status').description('where every module stands: module, cluster, kernel, node'),
  )
    .argument('[module]', 'name of one ManagedClusterModule')
    .action(async (module: string | undefined, options: ConnectionOptions & { output: string }) => {
      const { client, close } = connect(options);
      const trees = await readTrees(client, module);
      await close();
      if (options.output === 'json') print(JSON.stringify(trees));
      else print(trees.length === 0 ? 'No ManagedClusterModule is there.' : trees.map(describe).join('\n\n'));
    });
}

async function readTrees(client: KubeClient, only: string | undefined): Promise<ModuleTree[]> {
  const [modules, works, images] = await Promise.all([
    listAll(client, RESOURCES.managedClusterModule),
    listAll<ManifestWork>(client, RESOURCES.manifestWork, { labelSelector: LABELS.managedClusterModule }),
    listAll<ModuleImage>(client, RESOURCES.moduleImage),
  ]);
  const wanted = modules.filter(({ metadata }) => only === undefined || metadata.name === only);
  return Promise.all(wanted.map((module) => readTree(module, works, images)));
}

async function readTree(
  object: KubeObject,
  works: readonly ManifestWork[],
  images: readonly ModuleImage[],
): Promise<ModuleTree> {
  const status = (object['status'] ?? {}) as ManagedClusterModuleStatus;
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  const { name } = object.metadata;
  const waits = new Map((status.waiting ?? []).map((wait) => [wait.cluster, wait]));
  const own = works.filter(({ metadata }) => metadata.labels?.[LABELS.managedClusterModule] === name);
  const names = new Set([...own.map(({ metadata }) => metadata.namespace ?? ''), ...waits.keys()]);
  const clusters = await Promise.all(
    [...names].sort().map(async (cluster) => {
      const work = own.find(({ metadata }) => metadata.namespace === cluster);
      const wait = waits.get(cluster);
      const kernels = await readKernels(cluster, work);
      const pending = images.filter(
        (image) =>
          image.spec.module.name === name &&
          image.status?.state !== 'Ready' &&
          image.spec.kernelVersion === wait?.kernel,
      );
      const details = pending
        .map((image) => ` [${moduleImageName(image.spec.image, image.spec.kernelVersion)}]`)
        .join('');
      return {
        cluster,
        state: wait?.reason ?? 'Ready',
        message: (wait?.message ?? '') + (wait?.message.includes('ModuleImage') ? '' : details),
        kernels,
      };
    }),
  );
  return { module: name, state: ready?.reason ?? 'Unknown', message: status.summary ?? '', clusters };
}

/** Nodes are known to the cluster only; where a lab is up they are asked, elsewhere the hub's numbers must do. */
async function readKernels(cluster: string, work: ManifestWork | undefined): Promise<KernelStatus[]> {
  const manifest = work?.spec.workload?.manifests?.[0] as unknown as Module | undefined;
  const paths = labPaths();
  const kubeconfig = paths.path(`${cluster}.kubeconfig`);
  if (!readLabState(paths) || !existsSync(kubeconfig)) return clusterKernels(manifest, [], []);
  const transport = createHttpTransport(loadKubeConnection({}, { kubeconfig }));
  const spoke = createKubeClient({ transport, clock, random, userAgent: 'kmm-cli' });
  const [nodes, pods] = await Promise.all([
    listAll(spoke, CORE.node),
    listAll(spoke, CORE.pod, { labelSelector: LABELS.moduleName }),
  ]);
  await transport.close();
  return clusterKernels(manifest, nodes, pods);
}

function describe({ module, state, message, clusters }: ModuleTree): string {
  const lines = [`${paint('bold', module)}  ${paintState(state)}  ${paint('dim', message)}`];
  for (const [index, cluster] of clusters.entries()) {
    const last = index === clusters.length - 1;
    lines.push(
      `${last ? '└─' : '├─'} ${cluster.cluster}  ${paintState(cluster.state)}  ${paint('dim', cluster.message)}`,
    );
    const stem = last ? '   ' : '│  ';
    for (const { kernel, image, nodes } of cluster.kernels) {
      lines.push(`${stem}├─ ${kernel}  ${paint('dim', image)}`);
      for (const node of nodes)
        lines.push(`${stem}│  ├─ ${node.node}  ${paintState(node.state)}  ${paint('dim', node.message)}`);
    }
  }
  return lines.join('\n');
}
