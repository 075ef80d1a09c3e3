import { isAppError } from '@kmm-fleet/runtime';
import { Command } from 'commander';
import { addLabCommands } from './commands/lab.ts';
import { addLintCommand } from './commands/lint.ts';
import { addPlanCommand } from './commands/plan.ts';
import { addStatusCommand } from './commands/status.ts';
import { UserError } from './output/terminal.ts';

const program = new Command('kmm')
  .description('Kernel modules on fleets of clusters.')
  .version('0.1.0')
  .addHelpText(
    'after',
    '\nExit codes: 0 done, 1 failed or something was found, 2 wrong usage or an unreadable file.',
  )
  .showHelpAfterError('(kmm --help tells more)')
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : 2);
  });
addLabCommands(program);
addPlanCommand(program);
addStatusCommand(program);
addLintCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof UserError) && !isAppError(error)) throw error;
  process.stderr.write(`kmm: ${error.message}\n`);
  process.exitCode = error instanceof UserError ? error.exitCode : 1;
}
