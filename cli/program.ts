import { asSentence } from '@kmm-fleet/api';
import { FAILURES, isAppError } from '@kmm-fleet/runtime';
import { Command, CommanderError } from 'commander';
import { addExplainCommand } from './explain/explain.ts';
import { addGatherCommand } from './gather/gather-command.ts';
import { addImageCommands } from './image/image-command.ts';
import { addInstallCommand } from './install/install.ts';
import type { Io } from './io.ts';
import { addLabCommands } from './lab/lab-command.ts';
import { addLintCommand } from './lint/lint.ts';
import { EXIT, type ExitCode, messageOf, UsageError, UserError } from './output/user-error.ts';
import manifest from './package.json' with { type: 'json' };
import { addPlanCommand } from './plan/plan.ts';
import { addStatusCommand } from './status/status.ts';
import { addToolkitCommands } from './toolkit/toolkit-command.ts';
import { addUninstallCommand } from './uninstall/uninstall.ts';

const EXIT_CODES = `
Exit codes:
  0  done
  1  failed, or something was found: a finding, a bad signature, no lab, an unknown module or file
  2  wrong usage: an unknown command or option, one that is missing, or a value that none can be`;

/** Runs one command line. @throws only what is a bug of ours */
export async function run(args: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = EXIT.done;
  const program = createProgram(io, (next) => {
    code = next;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const words = describeError(error);
    if (words === undefined) throw error;
    for (const line of words.split('\n')) io.err.write(`kmm: ${line}\n`);
    return error instanceof UsageError ? EXIT.usage : EXIT.failed;
  }
}

/** All commands and their options. */
export function createProgram(io: Io, finish: (code: ExitCode) => void): Command {
  const program = new Command('kmm')
    .description('Kernel modules on fleets of clusters.')
    .version(manifest.version)
    .addHelpText('after', EXIT_CODES)
    // kmm install check -n: said to check, not to install.
    .enablePositionalOptions()
    .configureOutput({
      writeOut: (text) => io.out.write(text),
      writeErr: (text) => io.err.write(text),
      getOutHelpWidth: () => io.out.columns,
      getErrHelpWidth: () => io.err.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride();
  addLabCommands(program, io, finish);
  addPlanCommand(program, io, finish);
  addStatusCommand(program, io, finish);
  addLintCommand(program, io, finish);
  addImageCommands(program, io, finish);
  addExplainCommand(program, io, finish);
  addGatherCommand(program, io, finish);
  addToolkitCommands(program, io);
  addInstallCommand(program, io, finish);
  addUninstallCommand(program, io, finish);
  pointToHelp(program, 'kmm');
  refuseHelpForNothing(program);
  return program;
}

/** After a wrong command line: where the right one is told. */
function pointToHelp(command: Command, name: string): void {
  command.showHelpAfterError(`(${name} --help tells more)`);
  for (const inner of command.commands) pointToHelp(inner, `${name} ${inner.name()}`);
}

/** `kmm why --help` asks for a command that is not there: without --help that is said, with the name that was meant. */
function refuseHelpForNothing(command: Command): void {
  const isGroup = command.commands.length > 0 && command.registeredArguments.length === 0;
  if (isGroup)
    command.addHelpText('before', () => {
      const [name] = command.args[0] === 'help' ? command.args.slice(1) : command.args;
      if (name !== undefined && !name.startsWith('-')) command.parse([name], { from: 'user' });
      return '';
    });
  for (const inner of command.commands) refuseHelpForNothing(inner);
}

/** What the user reads; undefined for a bug, whose stack is wanted. */
function describeError(error: unknown): string | undefined {
  if (error instanceof UserError) return error.message;
  if (isAppError(error)) return `${asSentence(error.message)} ${FAILURES[error.code].nextStep}`;
  // The system's own words name the file and what was tried.
  if (error instanceof Error && 'syscall' in error)
    return `${asSentence(messageOf(error))} Check the path and its rights.`;
  return undefined;
}
