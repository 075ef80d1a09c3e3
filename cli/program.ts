import { isAppError } from '@kmm-fleet/runtime';
import { Command, CommanderError } from 'commander';
import { addLabCommands } from './commands/lab.ts';
import { addLintCommand } from './commands/lint.ts';
import { addPlanCommand } from './commands/plan.ts';
import { addStatusCommand } from './commands/status.ts';
import { UserError } from './output/terminal.ts';

const EXIT_CODES = `
Exit codes: 0 done, 1 failed or something was found, 2 wrong usage or an unreadable file.`;

/** Runs the kmm command and returns its exit code. @param args without program and script */
export async function runCli(args: readonly string[]): Promise<number> {
  const program = new Command('kmm')
    .description('Kernel modules on fleets of clusters.')
    .version('0.1.0')
    .addHelpText('after', EXIT_CODES)
    .showHelpAfterError('(kmm --help tells more)')
    .exitOverride();
  addLabCommands(program);
  addPlanCommand(program);
  addStatusCommand(program);
  addLintCommand(program);
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof UserError) && !isAppError(error)) throw error;
    process.stderr.write(`kmm: ${error.message}\n`);
    return error instanceof UserError ? error.exitCode : 1;
  }
}
