import type { Command } from 'commander';
import { readInput } from '../input/read-input.ts';
import type { Io } from '../io.ts';
import { type OutputOptions, outputOption } from '../output/format.ts';
import { createPaint } from '../output/terminal.ts';
import { EXIT, type ExitCode } from '../output/user-error.ts';
import { emptyFolder, type Linted, lintObjects, nothingToCheck } from './lint-objects.ts';
import { renderLint } from './render-lint.ts';

interface LintOptions extends OutputOptions {
  readonly filename: readonly string[];
  readonly recursive: boolean;
}

/** `kmm lint -f FILE…`: the rules that the API server, webhook and hub apply, without a cluster. */
export function addLintCommand(program: Command, io: Io, finish: (code: ExitCode) => void): void {
  program
    .command('lint')
    .description('check Modules and ManagedClusterModules in YAML files, without a cluster')
    .requiredOption('-f, --filename <files...>', 'YAML files, folders of them, or - for standard input')
    .option('-R, --recursive', 'folders within folders too', false)
    .addOption(outputOption())
    .addHelpText(
      'after',
      `
Objects of other kinds are skipped. Warnings do not fail.

Examples:
  kmm lint -f module.yaml
  kmm lint -R -f deploy
  kubectl get mcm -o yaml | kmm lint -f -`,
    )
    .action(async (options: LintOptions) => finish(await lint(io, options)));
}

async function lint(io: Io, { filename, recursive, output }: LintOptions): Promise<ExitCode> {
  const results: Linted[] = [];
  for (const name of filename) {
    const files = io.files(name, recursive);
    if (files.length === 0) results.push(emptyFolder(name, recursive));
    for (const file of files) results.push(...lintObjects(file, await readInput(io, file)));
  }
  if (results.every(({ skipped }) => skipped)) results.push(nothingToCheck(filename, results));
  io.out.write(
    `${output === 'json' ? JSON.stringify(results) : renderLint(results, createPaint(io.out, io.env))}\n`,
  );
  const findings = results.flatMap((result) => result.findings);
  return findings.some(({ severity }) => severity === 'error') ? EXIT.failed : EXIT.done;
}
