import { readFileSync } from 'node:fs';
import { checkManagedClusterModule, checkModule, type Finding } from '@kmm-fleet/api';
import type { KubeObject } from '@kmm-fleet/runtime';
import type { Command } from 'commander';
import { readObjects } from '../lab/manifests.ts';
import { type Format, outputOption, paint, print, UserError } from '../output/terminal.ts';

interface Linted {
  readonly file: string;
  readonly kind: string;
  readonly name: string;
  readonly findings: readonly Finding[];
}

/** `kmm lint -f FILE…`: the rules that the API server, webhook and hub apply, without a cluster. */
export function addLintCommand(program: Command): void {
  program
    .command('lint')
    .description('check Modules and ManagedClusterModules in YAML files')
    .requiredOption('-f, --filename <files...>', 'YAML files, or - for standard input')
    .addOption(outputOption())
    .action(({ filename, output }: { filename: string[]; output: Format }) => {
      const results = filename.flatMap((file) => lintFile(file));
      if (output === 'json') print(JSON.stringify(results));
      else for (const result of results) printResult(result);
      const errors = results
        .flatMap(({ findings }) => findings)
        .filter(({ severity }) => severity === 'error');
      if (results.length === 0) throw new UserError('The files hold no Module and no ManagedClusterModule.');
      if (errors.length > 0)
        throw new UserError(`${errors.length === 1 ? '1 error' : `${errors.length} errors`} found.`);
    });
}

/** Objects of ours in a file with their findings. */
export function lintFile(file: string): Linted[] {
  const objects = readObjectsFrom(file).filter(
    ({ kind }) => kind === 'Module' || kind === 'ManagedClusterModule',
  );
  return objects.map((object) => {
    const checked = object.kind === 'Module' ? checkModule(object) : checkManagedClusterModule(object);
    const { name = '' } = (object.metadata ?? {}) as { name?: string };
    return { file, kind: object.kind, name, findings: checked.ok ? checked.warnings : checked.findings };
  });
}

/** Objects of a file. @throws {UserError} naming the file when it cannot be read */
export function readObjectsFrom(file: string): KubeObject[] {
  try {
    return readObjects(readFileSync(file === '-' ? 0 : file, 'utf8'));
  } catch (error) {
    throw new UserError(`${file}: ${error instanceof Error ? error.message : String(error)}`, 2);
  }
}

function printResult({ file, kind, name, findings }: Linted): void {
  const verdict = findings.length === 0 ? paint('green', 'ok') : paint('yellow', 'found');
  print(`${verdict}  ${kind} ${name} (${file})`);
  for (const { severity, path, message, nextStep } of findings) {
    print(`  ${paint(severity === 'error' ? 'red' : 'yellow', severity)}  ${path}: ${message} ${nextStep}`);
  }
}
