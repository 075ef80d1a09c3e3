import { existsSync } from 'node:fs';
import { LABELS, type ManifestWork, type ModuleImage, RESOURCES } from '@kmm-fleet/api';
import { CORE, type KubeClient, listAll } from '@kmm-fleet/runtime';
import type { Command } from 'commander';
import { labPaths, readLabState } from '../lab/lab-state.ts';
import { print, UserError } from '../output/terminal.ts';
import { type ConnectionOptions, connected, withConnection } from './connection.ts';
import type { ClusterFacts } from './kernel-status.ts';
import { describeTree, type ModuleTree, moduleTree } from './status-tree.ts';

const NODES_HINT = 'Nodes are counted as their clusters report them; in a lab they are listed one by one.';

/** `kmm status`: module → cluster → kernel → node, each with its reason. */
export function addStatusCommand(program: Command): void {
  withConnection(
    program.command('status').description('where every module stands: module, cluster, kernel, node'),
  )
    .argument('[module]', 'name of one ManagedClusterModule')
    .action(status);
}

async function status(module: string | undefined, options: ConnectionOptions): Promise<void> {
  const trees = await connected(options, (client) => readTrees(client, module));
  if (options.output === 'json') return print(JSON.stringify(trees));
  if (trees.length === 0) return print('No ManagedClusterModule is there.');
  print(trees.map(describeTree).join('\n\n'));
  const isListed = trees.some(({ clusters }) =>
    clusters.some(({ kernels }) => kernels.some(({ nodes }) => nodes)),
  );
  if (!isListed) print(`\n${NODES_HINT}`);
}

async function readTrees(client: KubeClient, only: string | undefined): Promise<ModuleTree[]> {
  const [modules, works, images] = await Promise.all([
    listAll(client, RESOURCES.managedClusterModule),
    listAll<ManifestWork>(client, RESOURCES.manifestWork, { labelSelector: LABELS.managedClusterModule }),
    listAll<ModuleImage>(client, RESOURCES.moduleImage),
  ]);
  const wanted = modules.filter(({ metadata }) => only === undefined || metadata.name === only);
  if (only !== undefined && wanted.length === 0) {
    const there = modules.map(({ metadata }) => metadata.name).join(', ') || 'none';
    throw new UserError(`There is no ManagedClusterModule ${only}. There: ${there}.`);
  }
  const facts = await readFacts(new Set(works.map(({ metadata }) => metadata.namespace ?? '')));
  return wanted.map((mcm) => moduleTree({ mcm, works, images, facts }));
}

/** Nodes are known to their cluster only: those of a lab that is up here can be asked. */
async function readFacts(clusters: ReadonlySet<string>): Promise<Map<string, ClusterFacts>> {
  const paths = labPaths();
  if (!readLabState(paths)) return new Map();
  const reachable = [...clusters]
    .map((cluster) => ({ cluster, kubeconfig: paths.path(`${cluster}.kubeconfig`) }))
    .filter(({ kubeconfig }) => existsSync(kubeconfig));
  const facts = reachable.map(async ({ cluster, kubeconfig }) => {
    const [nodes, pods] = await connected({ kubeconfig, output: 'json' }, (client) =>
      Promise.all([
        listAll(client, CORE.node),
        listAll(client, CORE.pod, { labelSelector: LABELS.moduleName }),
      ]),
    );
    return [cluster, { nodes, pods }] as const;
  });
  return new Map(await Promise.all(facts));
}
