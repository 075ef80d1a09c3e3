import { EDITIONS, type EditionName, editions } from '@kmm-fleet/policies';
import { systemClock as clock } from '@kmm-fleet/runtime';
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { accessInWords, askAccess } from '../hub/ask-access.ts';
import { type Connected, type ConnectionOptions, withConnection, withHub } from '../hub/connection.ts';
import type { Io } from '../io.ts';
import { refuseLab } from '../lab/refuse-lab.ts';
import { inWords } from '../output/in-words.ts';
import { createSteps } from '../output/terminal.ts';
import { EXIT, type ExitCode, UserError } from '../output/user-error.ts';
import { createUninstallObserver } from './observe-uninstall.ts';
import { MODES, type Mode, planAllSteps, type Step } from './plan-uninstall.ts';
import { accessNeeded, type Report, renderReport, reportOf, stepInWords } from './report.ts';
import { runUninstall } from './run-uninstall.ts';
import { seeHolds } from './see-holds.ts';

type UninstallOptions = Omit<ConnectionOptions, 'namespace'> & {
  readonly namespace?: string;
  readonly modules: Mode;
  readonly dryRun: boolean;
  readonly timeout: number;
};

/** `kmm uninstall EDITION`: takes an operator from a cluster; its modules stay loaded unless that is asked for. */
export function addUninstallCommand(program: Command, io: Io, finish: (code: ExitCode) => void): void {
  const command = program
    .command('uninstall')
    .description('take an operator from its cluster; modules stay loaded, or are unloaded first')
    .addArgument(new Argument('<edition>', 'what is there, as kmm install names it').choices(EDITIONS))
    .addOption(
      new Option('--modules <mode>', 'what becomes of modules on nodes').choices(MODES).default('keep'),
    )
    .option('--dry-run', 'print what would be done, and do nothing', false)
    .option('--timeout <minutes>', 'longest time to wait for nodes, clusters and pods', minutes, 10);
  withConnection(command)
    .addHelpText(
      'after',
      `
keep takes the operator, its rights and webhooks. Kinds, Modules, DaemonSets and ManifestWorks stay,
so nothing is unloaded, and an operator that is installed later takes over. unload removes all
Modules first and waits until nodes have unloaded them. The namespace stays in both: your Secrets
are in it. Whatever stopped half-way goes on when it is run again.

Examples:
  kmm uninstall spoke --context east --dry-run
  kmm uninstall hub --modules unload`,
    )
    .action(async (name: EditionName, options: UninstallOptions) =>
      finish(await uninstall(io, name, options)),
    );
}

function minutes(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0 && value <= 1_440) return value;
  throw new InvalidArgumentError('Write minutes, at most 1440.');
}

async function uninstall(io: Io, name: EditionName, options: UninstallOptions): Promise<ExitCode> {
  const report = await withHub(io, options, (connected) => {
    refuseLab(io, connected);
    return act(io, connected, name, options);
  });
  io.out.write(`${options.output === 'json' ? JSON.stringify(report) : renderReport(report)}\n`);
  return report.done ? EXIT.done : EXIT.failed;
}

async function act(
  io: Io,
  { client, transport }: Connected,
  name: EditionName,
  { namespace = editions[name].namespace, modules, dryRun, timeout }: UninstallOptions,
): Promise<Report> {
  const steps = createSteps(io.err, io.env, () => io.now().getTime());
  const ports = { client, clock, tell: steps.next };
  const observe = createUninstallObserver(ports, editions[name], namespace, modules);
  const what = { edition: name, namespace, modules, dryRun };
  const taken: Step[] = [];
  const tell = (step: Step) => {
    taken.push(step);
    steps.next(stepInWords(step));
  };
  try {
    const planned = planAllSteps(await observe());
    refuse(planned.at(-1));
    await checkRights(transport, planned);
    if (dryRun) {
      steps.end('done');
      return reportOf(what, planned);
    }
    const last = await runUninstall({ client, clock, observe, tell, patienceMs: timeout * 60_000 });
    refuse(last);
    steps.end(last.kind === 'done' ? 'done' : 'failed');
    const isHeld = last.kind === 'wait' && last.on === 'operator';
    const hints = isHeld ? await seeHolds(client, editions[name], namespace) : [];
    return reportOf(what, [...taken, last], hints);
  } finally {
    steps.end('failed');
  }
}

function refuse(step: Step | undefined): void {
  if (step?.kind === 'refuse') throw new UserError(step.messages.join('\n'));
}

const SHOWN_MAX = 5;

/** Half of it would be worse than none. A server that does not answer such questions answers by what it does. */
async function checkRights(transport: Connected['transport'], steps: readonly Step[]): Promise<void> {
  const asked = await Promise.all(
    accessNeeded(steps).map(async (access) =>
      (await askAccess(transport, access)) === false ? [access] : [],
    ),
  );
  const missing = asked.flat().map(accessInWords);
  if (missing.length === 0) return;
  throw new UserError(
    `You may not ${inWords(missing, SHOWN_MAX)}. Nothing was changed. Use an account with these rights, as cluster-admin has them.`,
  );
}
