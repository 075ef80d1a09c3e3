import { describeFinding, type Finding } from '@kmm-fleet/api';
import { EDITIONS, type Edition, type EditionName, editions } from '@kmm-fleet/policies';
import { CORE } from '@kmm-fleet/runtime';
import { Argument, type Command } from 'commander';
import { type Connected, type ConnectionOptions, withConnection, withHub } from '../../hub/connection.ts';
import type { Io } from '../../io.ts';
import { refuseLab } from '../../lab/refuse-lab.ts';
import { createPaint, type Paint, paintState } from '../../output/terminal.ts';
import { oneLine } from '../../output/tree.ts';
import { EXIT, type ExitCode, UserError } from '../../output/user-error.ts';
import { installFindings, isManaged } from './install-status.ts';
import { observeInstall } from './observe-install.ts';

type CheckOptions = Omit<ConnectionOptions, 'namespace'> & { readonly namespace?: string };

interface Checked {
  readonly edition: EditionName;
  readonly namespace: string;
  readonly findings: readonly Finding[];
}

/** `kmm install check [EDITION]`: what is missing or wrong on a cluster. It changes nothing. */
export function addCheckCommand(install: Command, io: Io, finish: (code: ExitCode) => void): void {
  const command = install
    .command('check')
    .description('what is missing or wrong on a cluster, and what to do')
    .addArgument(
      new Argument('[edition]', 'what should be there (default: what is there)').choices(EDITIONS),
    );
  withConnection(command)
    .addHelpText(
      'after',
      `
Looks at kinds, namespace, accounts and Deployment, and asks the API server what each account
may do. Warnings do not fail.

Examples:
  kmm install check
  kmm install check spoke --context east -o json`,
    )
    .action(async (edition: EditionName | undefined, options: CheckOptions) =>
      finish(await check(io, edition, options)),
    );
}

async function check(io: Io, name: EditionName | undefined, options: CheckOptions): Promise<ExitCode> {
  const checked = await withHub(io, options, async (connected) => {
    refuseLab(io, connected);
    const wanted = name ? [editions[name]] : await editionsOn(connected, options.namespace);
    return Promise.all(wanted.map((edition) => checkEdition(connected, edition, options.namespace)));
  });
  const text =
    options.output === 'json' ? JSON.stringify(checked) : render(checked, createPaint(io.out, io.env));
  io.out.write(`${text}\n`);
  const all = checked.flatMap(({ findings }) => findings);
  return all.some(({ severity }) => severity === 'error') ? EXIT.failed : EXIT.done;
}

async function checkEdition(
  connected: Connected,
  edition: Edition,
  namespace = edition.namespace,
): Promise<Checked> {
  const findings = installFindings(edition, await observeInstall(connected, edition, namespace));
  return { edition: edition.name, namespace, findings };
}

/** Those whose Deployment is there. Whether a hub manages the cluster is in it. */
async function editionsOn({ client, server }: Connected, namespace: string | undefined): Promise<Edition[]> {
  const deploymentOf = (edition: Edition) =>
    client.get(CORE.deployment, { namespace: namespace ?? edition.namespace, name: edition.deployment });
  const { hub, spoke, cluster } = editions;
  const [ofHub, onNodes] = await Promise.all([deploymentOf(hub), deploymentOf(cluster)]);
  const found = [ofHub && hub, onNodes && (isManaged(onNodes) ? spoke : cluster)].filter(
    (one) => one !== undefined,
  );
  if (found.length === 0)
    throw new UserError(
      `No operator is on ${server}. Say what should be there, as kmm install check hub, or where with -n.`,
    );
  return found;
}

function render(checked: readonly Checked[], paint: Paint): string {
  return checked
    .flatMap(({ edition, namespace, findings }) => {
      const where = `${edition} in ${namespace}`;
      if (findings.length === 0) return [`${paintState(paint, 'ok')}       ${where}: nothing is missing`];
      return findings.map(
        (finding) =>
          `${paintState(paint, finding.severity)}${' '.repeat(9 - finding.severity.length)}${where}: ${finding.reason}: ${oneLine(describeFinding(finding))}`,
      );
    })
    .join('\n');
}
