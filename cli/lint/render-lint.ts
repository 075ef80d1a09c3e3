import { counted, describeFinding } from '@kmm-fleet/api';
import { type Paint, paintState } from '../output/terminal.ts';
import { oneLine } from '../output/tree.ts';
import type { Linted } from './lint-objects.ts';

/** One line per finding and per object without any, as compilers write; the sum comes last. Pure. */
export function renderLint(results: readonly Linted[], paint: Paint): string {
  const checked = results.filter(({ skipped, kind }) => !skipped && kind !== '');
  const findings = results.flatMap((result) => result.findings);
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const sum = [
    counted(checked.length, 'object'),
    counted(errors, 'error'),
    counted(findings.length - errors, 'warning'),
  ];
  return [...results.flatMap((result) => linesOf(result, paint)), '', `${sum.join(', ')}.`].join('\n');
}

function linesOf(result: Linted, paint: Paint): string[] {
  const object = objectName(result);
  const where = [result.file === '-' ? 'standard input' : result.file, ...(object ? [object] : [])].join(
    ': ',
  );
  if (result.skipped) return [`${paint('dim', 'skipped')}  ${where}`];
  if (result.findings.length === 0) return [`${paintState(paint, 'ok')}       ${where}`];
  return result.findings.map(
    (finding) =>
      `${paintState(paint, finding.severity)}${' '.repeat(9 - finding.severity.length)}${where}: ${oneLine(describeFinding(finding))}`,
  );
}

/** `ManagedClusterModule my-mcm`, or the place of an object that says less of itself. */
export function objectName({ kind, name, document }: Pick<Linted, 'kind' | 'name' | 'document'>): string {
  if (name) return `${kind || 'object'} ${name}`;
  if (document === 0) return '';
  return kind ? `${kind} in document ${document}` : `document ${document}`;
}
