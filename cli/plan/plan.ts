import { checkManagedClusterModule, describeFinding, OPERATOR } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import type { Command } from 'commander';
import { type ConnectionOptions, checkNamespace, withConnection, withHub } from '../hub/connection.ts';
import { planItems, readFleet } from '../hub/fleet-view.ts';
import { readInput } from '../input/read-input.ts';
import type { Io } from '../io.ts';
import { objectName } from '../lint/render-lint.ts';
import { createPaint } from '../output/terminal.ts';
import { EXIT, type ExitCode, UserError } from '../output/user-error.ts';
import { checkReferences } from './check-references.ts';
import { checkToolkits } from './check-toolkits.ts';
import { type ClusterPlan, planClusters } from './plan-clusters.ts';
import { loses } from './plan-effects.ts';
import { type ModulePlan, renderPlan } from './render-plan.ts';

interface PlanOptions extends ConnectionOptions {
  readonly filename: string;
}

type Checked = Omit<ModulePlan, 'clusters' | 'missing'> & { readonly object: KubeObject };

/** `kmm plan -f mcm.yaml`: what the hub would do, by the hub's own planner, before anything is applied. */
export function addPlanCommand(program: Command, io: Io, finish: (code: ExitCode) => void): void {
  const command = program
    .command('plan')
    .description('what would happen, per cluster and kernel, if a file were applied')
    .requiredOption('-f, --filename <file>', 'YAML file with ManagedClusterModules, or -');
  withConnection(command, OPERATOR.hubNamespace)
    .addHelpText(
      'after',
      `
Steps: look up, build, sign, pin, or keep what is pinned. Nothing is written.
An edit reaches all clusters at once. Lines above the table tell what it does to
nodes that have the module: unloads, replaces (another moduleName), or reloads.

Exit code 1 when
  - the module would leave nodes, or be replaced by another on them;
  - something that images are made from is missing;
  - spec.spokeNamespace changes where the Module is, so that it stays there;
  - the file cannot be planned, or the hub does not answer.
Exit code 0 otherwise, also when the module is reloaded, or when a cluster or a
kernel waits or an image has failed: nodes keep what they have meanwhile.

Example:
  kmm plan -f managed-cluster-module.yaml`,
    )
    .action(async (options: PlanOptions) => finish(await plan(io, options)));
}

async function plan(io: Io, options: PlanOptions): Promise<ExitCode> {
  const modules = await readModules(io, options.filename);
  const plans = await withHub(io, options, async (hub): Promise<ModulePlan[]> => {
    const fleet = await readFleet(hub, options.namespace);
    await checkNamespace(hub, options.namespace);
    return Promise.all(
      modules.map(async ({ object, ...rest }) => {
        const wanted = planItems(rest.module, object, fleet).flatMap(({ plan }) => plan.wanted);
        const specs = wanted.map(({ spec }) => spec);
        const missing = await Promise.all([
          checkReferences(hub, options.namespace, specs),
          checkToolkits(hub, options.namespace, fleet, specs),
        ]);
        return { ...rest, missing: missing.flat(), clusters: planClusters(object, fleet) };
      }),
    );
  });
  const paint = createPaint(io.out, io.env);
  const text =
    options.output === 'json'
      ? JSON.stringify(plans)
      : plans.map((one) => renderPlan(one, paint)).join('\n\n');
  io.out.write(`${text}\n`);
  return plans.some(isFound) ? EXIT.failed : EXIT.done;
}

/** What --help tells of exit code 1. */
const isFound = ({ missing, clusters }: ModulePlan) =>
  missing.length > 0 || clusters.some((cluster) => isHeld(cluster) || cluster.effects.some(loses));

/** Whether the file asks for a move that the hub does not make. */
const isHeld = ({ kernels }: ClusterPlan) => kernels.some(({ reason }) => reason === 'SpokeNamespaceChanged');

/** The modules of a file. @throws {UserError} with every finding when one of them is wrong */
async function readModules(io: Io, file: string): Promise<Checked[]> {
  const errors: string[] = [];
  const modules: Checked[] = [];
  for (const { value, findings, document } of await readInput(io, file)) {
    errors.push(...findings.map((finding) => `${file}: ${describeFinding(finding)}`));
    if (value?.['kind'] !== 'ManagedClusterModule') continue;
    const object = value as KubeObject;
    const checked = checkManagedClusterModule(object);
    const { name = '' } = (value['metadata'] ?? {}) as { name?: string };
    const where = `${file}: ${objectName({ kind: 'ManagedClusterModule', name, document })}`;
    if (!checked.ok) {
      errors.push(...checked.findings.map((finding) => `${where}: ${describeFinding(finding)}`));
      continue;
    }
    const { selector } = checked.value.spec;
    modules.push({ object, module: name, selector, warnings: checked.warnings.map(describeFinding) });
  }
  if (errors.length > 0) throw new UserError(errors.join('\n'));
  if (modules.length === 0)
    throw new UserError(`${file}: kind: The file holds no ManagedClusterModule. Name a file with one.`);
  return modules;
}
