import { OPERATOR, RESOURCES } from '@kmm-fleet/api';
import type { Command } from 'commander';
import {
  type Connected,
  type ConnectionOptions,
  checkNamespace,
  withConnection,
  withHub,
} from '../hub/connection.ts';
import { planItems, readFleet } from '../hub/fleet-view.ts';
import type { Io } from '../io.ts';
import { createPaint } from '../output/terminal.ts';
import { EXIT, type ExitCode, UserError } from '../output/user-error.ts';
import { askSpokes } from './ask-spokes.ts';
import { renderTrees } from './render-tree.ts';
import { type ModuleTree, moduleNames, moduleTree } from './status-tree.ts';

/** `kmm status`: module → cluster → kernel → node, each with its reason. */
export function addStatusCommand(program: Command, io: Io, finish: (code: ExitCode) => void): void {
  const command = program
    .command('status')
    .description('where every module stands: module, cluster, kernel, node')
    .argument('[module]', 'name of one ManagedClusterModule');
  withConnection(command, OPERATOR.hubNamespace)
    .addHelpText(
      'after',
      `
Only the hub is read, which has no credentials of its clusters. Nodes are listed in a lab; elsewhere
their clusters' counts are shown, and the command that lists them on a cluster.

Examples:
  kmm status
  kmm status my-mcm --context hub -o json`,
    )
    .action(async (module: string | undefined, options: ConnectionOptions) =>
      finish(await status(io, module, options)),
    );
}

async function status(io: Io, only: string | undefined, options: ConnectionOptions): Promise<ExitCode> {
  const trees = await withHub(io, options, (hub) => readTrees(io, hub, only, options.namespace));
  const text =
    options.output === 'json' ? JSON.stringify(trees) : renderTrees(trees, createPaint(io.out, io.env));
  io.out.write(`${text}\n`);
  return EXIT.done;
}

async function readTrees(
  io: Io,
  hub: Connected,
  only: string | undefined,
  namespace: string,
): Promise<ModuleTree[]> {
  const mcms = await hub.list(RESOURCES.managedClusterModule);
  const fleet = await readFleet(hub, namespace);
  await checkNamespace(hub, namespace);
  const names = moduleNames(mcms, fleet).filter((name) => only === undefined || name === only);
  if (only !== undefined && names.length === 0)
    throw new UserError(
      `ManagedClusterModule ${only} is not on ${hub.server}. List what is there with: kmm status`,
    );
  const objectOf = (name: string) => mcms.find(({ metadata }) => metadata.name === name);
  const clusters = new Set(
    names.flatMap((name) => planItems(name, objectOf(name), fleet).map(({ cluster }) => cluster)),
  );
  const spokes = await askSpokes(io, hub, [...clusters].sort());
  return names.map((name) => moduleTree(name, objectOf(name), fleet, spokes));
}
